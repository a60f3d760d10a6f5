import { useQuery } from '@apollo/client/react';
import { type ReactNode, useEffect, useEffectEvent } from 'react';
import { FaultNotice } from '../frame/notices.tsx';
import { AwaitedChargeDocument } from '../gql/graphql.ts';
import { pollEvery } from '../server/polls.ts';
import { useFormats } from '../words/formats.ts';
import { useWords } from '../words/language.tsx';

/** Milliseconds between two questions whether the money has come. */
const POLL_MS = 3_000;

interface Props {
  readonly id: string;
  /** Called once the money is in the wallet. */
  readonly completed: () => Promise<void>;
}

/** A charge that waits for the payment provider: what is to be paid there, and what became of it. */
export function AwaitedCharge({ id, completed }: Props): ReactNode {
  const { wallet: words } = useWords();
  const { money, dateTime } = useFormats();
  const { data, error, stopPolling, refetch } = useQuery(AwaitedChargeDocument, {
    variables: { id },
    ...pollEvery(POLL_MS),
  });
  const charge = data?.charge;
  const status = charge?.status;
  const ended = useEffectEvent(() => {
    stopPolling();
    if (status === 'COMPLETED') void completed().catch(() => undefined);
  });
  useEffect(() => {
    if (status !== undefined && status !== 'PENDING') ended();
  }, [status]);

  if (error && !charge) return <FaultNotice error={error} retry={() => void refetch()} />;
  if (!charge) return null;
  const look = { PENDING: 'notice', COMPLETED: 'notice good', FAILED: 'notice bad', EXPIRED: 'notice warn' } as const;
  return (
    <div className={look[charge.status]} role="status">
      <p className="spread wide">
        <span className="strong">
          {
            {
              PENDING: words.pending,
              COMPLETED: words.charged,
              FAILED: words.failed,
              EXPIRED: words.expired,
            }[charge.status]
          }
        </span>
        <span className="strong figures">{money(charge.amount)}</span>
      </p>
      {charge.status === 'PENDING' && (
        <>
          <p>{words.pendingHelp}</p>
          <code className="strong">{charge.reference}</code>
          <p className="small">{words.payBy(dateTime(charge.expiresAt))}</p>
        </>
      )}
    </div>
  );
}
