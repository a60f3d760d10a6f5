import { useQuery } from '@apollo/client/react';
import { type ReactNode, useEffect, useEffectEvent } from 'react';
import { Link } from 'react-router';
import { More } from '../frame/more.tsx';
import { FaultNotice } from '../frame/notices.tsx';
import { Loading } from '../frame/page.tsx';
import { type MovementFragment, MovementsDocument } from '../gql/graphql.ts';
import { useFormats } from '../words/formats.ts';
import { useWords } from '../words/language.tsx';
import look from './wallet.module.css';

/** What moved in the wallet, the latest first; asked for again when the balance is another one. */
export function History({ balance }: { balance: number }): ReactNode {
  const { wallet: words } = useWords();
  const { data, error, refetch, fetchMore } = useQuery(MovementsDocument, { fetchPolicy: 'cache-and-network' });
  const entries = data?.wallet?.entries;
  const known = entries?.edges[0]?.node.balanceAfter ?? 0;
  const isOld = entries !== undefined && known !== balance;
  const readAgain = useEffectEvent(() => void refetch().catch(() => undefined));
  // biome-ignore lint/correctness/useExhaustiveDependencies: each other balance is a reason to ask again
  useEffect(() => {
    if (isOld) readAgain();
  }, [isOld, balance]);

  return (
    <section className="stack" aria-labelledby="history">
      <h2 id="history">{words.history}</h2>
      {error && <FaultNotice error={error} retry={() => void refetch()} />}
      {!entries && !error && <Loading />}
      {entries?.edges.length === 0 && <p className="soft">{words.noHistory}</p>}
      {entries && entries.edges.length > 0 && (
        <ol className="lines">
          {entries.edges.map(({ node }) => (
            <Movement key={node.id} entry={node} />
          ))}
        </ol>
      )}
      <More pageInfo={entries?.pageInfo} fetchMore={fetchMore} />
    </section>
  );
}

function Movement({ entry }: { entry: MovementFragment }): ReactNode {
  const { wallet: words } = useWords();
  const { money, dateTime } = useFormats();
  const { kind, amount, balanceAfter, createdAt, reason, payment } = entry;
  return (
    <li className="line figures">
      <p>
        <span className="strong">{words.kinds[kind]}</span> {payment && <What payable={payment.payable} />}
        {reason}
      </p>
      <p className={amount < 0 ? look.less : look.more}>
        {amount > 0 && '+'}
        {money(amount)}
      </p>
      <p className="small soft">{dateTime(createdAt)}</p>
      <p className="small soft figures">{words.balanceAfter(money(balanceAfter))}</p>
    </li>
  );
}

type Payable = NonNullable<MovementFragment['payment']>['payable'];

function What({ payable }: { payable: Payable }): ReactNode {
  const { wallet: words } = useWords();
  return payable.__typename === 'Order' ? (
    <Link to={`/shop/orders/${payable.id}`}>{words.order}</Link>
  ) : (
    <Link to={`/tickets/${payable.id}`}>{payable.show.concert.title}</Link>
  );
}
