import './look/tokens.css';
import './look/base.css';
import './look/parts.css';
import { ApolloProvider } from '@apollo/client/react';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { renew, userId, watchSession } from './account/session.ts';
import { App } from './frame/app.tsx';
import { SettingsDocument } from './gql/graphql.ts';
import { client, socket } from './server/client.ts';
import { firstLanguage, LanguageProvider, loadWords } from './words/language.tsx';

void renew();
// What every page waits for is asked for while the language is loaded.
void client.query({ query: SettingsDocument }).catch(() => undefined);

let user = userId();
watchSession(() => {
  if (userId() === user) return;
  user = userId();
  // What was asked for as somebody else is not shown, and a socket keeps the user that it was opened by.
  socket.terminate();
  void client.resetStore().catch(() => undefined);
});

const language = firstLanguage();
document.documentElement.lang = language;
const words = await loadWords(language);

createRoot(document.getElementById('root') as HTMLElement).render(
  <StrictMode>
    <ApolloProvider client={client}>
      <LanguageProvider language={language} words={words}>
        <App />
      </LanguageProvider>
    </ApolloProvider>
  </StrictMode>,
);
