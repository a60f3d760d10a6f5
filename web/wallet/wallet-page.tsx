import { useQuery } from '@apollo/client/react';
import type { ReactNode } from 'react';
import { Link, useSearchParams } from 'react-router';
import { FaultNotice } from '../frame/notices.tsx';
import { ForUsers, Loading, Page, placeWithin } from '../frame/page.tsx';
import { BalanceDocument } from '../gql/graphql.ts';
import { pollEvery } from '../server/polls.ts';
import { useFormats } from '../words/formats.ts';
import { useWords } from '../words/language.tsx';
import { ChargeForm } from './charge-form.tsx';
import { History } from './history.tsx';
import look from './wallet.module.css';

/** Milliseconds between two questions for the balance, which operators and other tabs change too. */
const POLL_MS = 10_000;

/** The wallet: what is in it, the way to add to it, and what moved. */
export default function WalletPage(): ReactNode {
  return (
    <ForUsers>
      <Wallet />
    </ForUsers>
  );
}

/** With `need` and `next` in the URL the user came from something to pay, and is led back to it. */
function Wallet(): ReactNode {
  const { wallet: words } = useWords();
  const { money } = useFormats();
  const [params] = useSearchParams();
  const { data, error, refetch } = useQuery(BalanceDocument, {
    fetchPolicy: 'cache-and-network',
    ...pollEvery(POLL_MS),
  });
  const balance = data?.wallet?.balance;
  const need = Number(params.get('need') ?? 0);
  const next = params.get('next');

  if (balance === undefined) {
    return (
      <Page title={words.title}>
        {error ? <FaultNotice error={error} retry={() => void refetch()} /> : <Loading />}
      </Page>
    );
  }
  const missing = Math.max(0, need - balance);
  return (
    <Page title={words.title}>
      <div className="columns">
        <section className="card stack" aria-label={words.balance}>
          <div>
            <p className="soft">{words.balance}</p>
            <p className={look.balance}>{money(balance)}</p>
          </div>
          {next !== null && (
            <div className={missing > 0 ? 'notice warn' : 'notice good'} role="status">
              <p>{missing > 0 ? words.missing(money(missing)) : words.enough}</p>
              <Link className={missing > 0 ? 'button' : 'button primary'} to={placeWithin(next)}>
                {words.goBack}
              </Link>
            </div>
          )}
          <h2>{words.chargeAndPay}</h2>
          <ChargeForm missing={missing} charged={() => void refetch()} />
        </section>
        <History balance={balance} />
      </div>
    </Page>
  );
}
