import { useMutation } from '@apollo/client/react';
import { type ReactNode, useState } from 'react';
import { FaultNotice, RefusalNotice } from '../frame/notices.tsx';
import {
  PayDocument,
  type ProblemCode,
  ReleaseReservationDocument,
  type ReservationToPayFragment,
} from '../gql/graphql.ts';
import { usePlace } from '../queue/use-place.ts';
import { keyOf, settle } from '../server/intents.ts';
import { ChargeForm } from '../wallet/charge-form.tsx';
import { useFormats } from '../words/formats.ts';
import { useWords } from '../words/language.tsx';

interface Props {
  readonly reservation: ReservationToPayFragment;
  readonly balance: number;
  /** Reads the reservation and the wallet again. */
  readonly refetch: () => void;
}

/** Pays for a hold out of the wallet, which is charged here where too little is in it. */
export function Checkout({ reservation: { id, amount, show }, balance, refetch }: Props): ReactNode {
  const { purchase: words, frame } = useWords();
  const { money } = useFormats();
  const { queue } = show.concert;
  const { seen } = usePlace(queue?.id);
  const [refusal, setRefusal] = useState<ProblemCode>();
  const [pay, paying] = useMutation(PayDocument);
  const [release, releasing] = useMutation(ReleaseReservationDocument, { variables: { id } });
  const missing = Math.max(0, amount - balance);

  const send = async (): Promise<void> => {
    setRefusal(undefined);
    const intent = `pay.${id}`;
    const wanted = { reservationId: id };
    const input = { ...wanted, idempotencyKey: keyOf(intent, wanted) };
    const context = { queueToken: seen.state === 'found' ? seen.place.value : undefined };
    const result = (await pay({ variables: { input }, context })).data?.pay;
    settle(intent);
    if (result && 'code' in result) setRefusal(result.code);
    refetch();
  };

  const giveUp = async (): Promise<void> => {
    const result = (await release()).data?.releaseReservation;
    if (result && 'code' in result) setRefusal(result.code);
    refetch();
  };

  return (
    <section className="card stack" aria-label={words.title}>
      <dl className="facts figures">
        <div>
          <dt>{words.total}</dt>
          <dd>{money(amount)}</dd>
        </div>
        <div>
          <dt>{words.balance}</dt>
          <dd>{money(balance)}</dd>
        </div>
        {missing > 0 && (
          <div>
            <dt>{words.missing}</dt>
            <dd>{money(missing)}</dd>
          </div>
        )}
      </dl>
      {refusal && refusal !== 'INSUFFICIENT_BALANCE' && <RefusalNotice code={refusal} />}
      {paying.error && <FaultNotice error={paying.error} />}
      {releasing.error && <FaultNotice error={releasing.error} />}
      {missing > 0 ? (
        <ChargeForm key={missing} missing={missing} />
      ) : (
        <button
          type="button"
          className="button primary wide"
          disabled={paying.loading || (queue !== null && seen.state === 'looking')}
          onClick={() => void send().catch(() => undefined)}
        >
          {paying.loading ? frame.loading : words.pay(money(amount))}
        </button>
      )}
      <button
        type="button"
        className="button quiet"
        disabled={releasing.loading || paying.loading}
        onClick={() => void giveUp().catch(() => undefined)}
      >
        {words.release}
      </button>
    </section>
  );
}
