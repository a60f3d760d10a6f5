import { useMutation } from '@apollo/client/react';
import type { ReactNode } from 'react';
import { FaultNotice } from '../frame/notices.tsx';
import { SignOutDocument, SignOutEverywhereDocument } from '../gql/graphql.ts';
import { emptyCart } from '../shop/cart.ts';
import { useWords } from '../words/language.tsx';
import { forgetSession } from './session.ts';

/** Ends this session, or all sessions of the account. */
export function SignOut(): ReactNode {
  const { account: words, frame } = useWords();
  const [signOut, here] = useMutation(SignOutDocument);
  const [signOutEverywhere, everywhere] = useMutation(SignOutEverywhereDocument);
  const isLoading = here.loading || everywhere.loading;
  const error = here.error ?? everywhere.error;
  // Whoever uses this browser next finds nothing of this user.
  const leave = (): void => {
    emptyCart();
    forgetSession();
  };
  return (
    <section className="card stack" aria-labelledby="sessions">
      <h2 id="sessions">{words.sessions}</h2>
      <p className="soft">{words.sessionsHelp}</p>
      {error && <FaultNotice error={error} />}
      <div className="row">
        <button
          type="button"
          className="button"
          disabled={isLoading}
          onClick={() => void signOut().then(leave, () => undefined)}
        >
          {frame.signOut}
        </button>
        <button
          type="button"
          className="button"
          disabled={isLoading}
          onClick={() => void signOutEverywhere().then(leave, () => undefined)}
        >
          {words.signOutEverywhere}
        </button>
      </div>
    </section>
  );
}
