import { useApolloClient, useMutation, useQuery } from '@apollo/client/react';
import { type ReactNode, useEffect, useEffectEvent } from 'react';
import { Link } from 'react-router';
import { FaultNotice, RefusalNotice } from '../frame/notices.tsx';
import { BalanceDocument, CancelOrderDocument, PayForOrderDocument } from '../gql/graphql.ts';
import { useSecondsUntil } from '../server/clock.ts';
import { keyOf, settle } from '../server/intents.ts';
import { countdown, useFormats } from '../words/formats.ts';
import { useWords } from '../words/language.tsx';
import type { Order } from './order-page.tsx';

interface Props {
  readonly order: Order;
  /** Reads the order again. */
  readonly changed: () => Promise<unknown>;
}

/** Pays for an order that was placed, or cancels it; leads to the wallet, and back, where too little is in it. */
export function PayForOrder({ order: { id, total, payBy }, changed }: Props): ReactNode {
  const { orders: words, purchase } = useWords();
  const { money } = useFormats();
  const client = useApolloClient();
  const left = useSecondsUntil(payBy);
  const { data: funds } = useQuery(BalanceDocument, { fetchPolicy: 'cache-and-network' });
  const [pay, paying] = useMutation(PayForOrderDocument);
  const [cancel, cancelling] = useMutation(CancelOrderDocument, { variables: { id } });
  const over = useEffectEvent(() => void changed().catch(() => undefined));
  useEffect(() => {
    if (left === 0) over();
  }, [left]);

  const balance = funds?.wallet?.balance;
  const missing = balance === undefined ? 0 : Math.max(0, total - balance);
  const answers = [paying.data?.pay, cancelling.data?.cancelOrder];
  const refusal = answers.find((answer) => answer && 'code' in answer);
  const error = paying.error ?? cancelling.error;
  const toWallet = `/wallet?need=${total}&next=${encodeURIComponent(`/shop/orders/${id}`)}`;

  const send = async (): Promise<void> => {
    const intent = `pay for order ${id}`;
    const input = { orderId: id, idempotencyKey: keyOf(intent, { orderId: id }) };
    await pay({ variables: { input } });
    settle(intent);
    await Promise.all([changed(), client.query({ query: BalanceDocument, fetchPolicy: 'network-only' })]);
  };

  return (
    <section className="card stack" aria-labelledby="pay">
      <div className="spread">
        <h2 id="pay">{words.pay}</h2>
        <p className="small figures">
          {words.payIn} <span className="strong">{countdown(left)}</span>
        </p>
      </div>
      <dl className="facts">
        <div>
          <dt>{purchase.balance}</dt>
          <dd className="figures">{balance === undefined ? '…' : money(balance)}</dd>
        </div>
        {missing > 0 && (
          <div>
            <dt>{purchase.missing}</dt>
            <dd className="figures">{money(missing)}</dd>
          </div>
        )}
      </dl>
      {refusal && 'code' in refusal && <RefusalNotice code={refusal.code} />}
      {error && <FaultNotice error={error} />}
      {missing > 0 && (
        <Link className="button primary wide" to={toWallet}>
          {words.chargeFirst}
        </Link>
      )}
      <button
        type="button"
        className={missing > 0 ? 'button wide' : 'button primary wide'}
        disabled={paying.loading}
        onClick={() => void send().catch(() => undefined)}
      >
        {purchase.pay(money(total))}
      </button>
      <button
        type="button"
        className="button quiet"
        disabled={cancelling.loading}
        onClick={() => void cancel().then(changed, () => undefined)}
      >
        {words.cancel}
      </button>
    </section>
  );
}
