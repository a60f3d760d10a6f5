import type { ReactNode } from 'react';
import { Link, NavLink } from 'react-router';
import { useSession } from '../account/session.ts';
import { useConnection } from '../server/connection.ts';
import { LANGUAGES, type Language, useLanguage } from '../words/language.tsx';
import look from './frame.module.css';

/** What is around every page: the menu above, and a banner while the server is out of reach. */
export function Frame({ children }: { children: ReactNode }): ReactNode {
  const { words } = useLanguage();
  const isOnline = useConnection();
  return (
    <>
      <a className={`button ${look.skip}`} href="#main">
        {words.frame.skip}
      </a>
      <header className={look.header}>
        <div className={look.bar}>
          <Link className={look.brand} to="/">
            <img src="/icon.svg" alt="" width="28" height="28" />
            {words.product}
          </Link>
          <nav className={look.nav} aria-label={words.frame.menu}>
            <NavLink to="/" end>
              {words.frame.concerts}
            </NavLink>
            <NavLink to="/shop">{words.frame.shop}</NavLink>
            <NavLink to="/tickets">{words.frame.tickets}</NavLink>
            <NavLink to="/wallet">{words.frame.wallet}</NavLink>
          </nav>
          <div className={look.end}>
            <LanguageChoice />
            <Who />
          </div>
        </div>
      </header>
      <div role="status">{!isOnline && <p className={look.offline}>{words.frame.offline}</p>}</div>
      <main id="main" className={look.main} tabIndex={-1}>
        {children}
      </main>
    </>
  );
}

/** The name of the user, which leads to the account, or the way to sign in. */
function Who(): ReactNode {
  const { words } = useLanguage();
  const session = useSession();
  if (session.status === 'signed-in') return <Link to="/account">{session.user.name}</Link>;
  return <Link to="/sign-in">{words.frame.signIn}</Link>;
}

function LanguageChoice(): ReactNode {
  const { language, words, speak } = useLanguage();
  return (
    <select
      className={look.language}
      aria-label={words.frame.language}
      value={language}
      onChange={(event) => speak(event.target.value as Language)}
    >
      {Object.entries(LANGUAGES).map(([tag, name]) => (
        <option key={tag} value={tag} lang={tag}>
          {name}
        </option>
      ))}
    </select>
  );
}
