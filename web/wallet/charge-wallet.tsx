import { useMutation, useQuery } from '@apollo/client/react';
import { type ReactNode, useEffect } from 'react';
import { FaultNotice, RefusalNotice } from '../frame/notices.tsx';
import { ChargeDocument, type ChargeStateFragment, PendingChargeDocument } from '../gql/graphql.ts';
import { keyOf, settle } from '../server/intents.ts';
import { useFormats } from '../words/formats.ts';
import { useWords } from '../words/language.tsx';
import { useSettings } from '../words/settings.tsx';

/** How often a charge that waits for the payment provider is asked for. */
const ASK_MS = 2_000;

interface Props {
  /** What is charged. */
  readonly amount: number;
  /** Called when the money is in the wallet. */
  readonly charged: () => void;
}

/** Charges the wallet with an amount: at once, or as the payment provider says, as the deployment has it. */
export function ChargeWallet({ amount, charged }: Props): ReactNode {
  const { wallet: words, frame } = useWords();
  const { charges } = useSettings();
  const { money } = useFormats();
  const [charge, { data, loading, error }] = useMutation(ChargeDocument);
  const result = data?.charge;

  if (charges === 'OPERATOR') return <p className="notice warn">{words.operatorOnly}</p>;
  if (result?.__typename === 'PendingCharge') return <Pending charge={result} charged={charged} />;

  const send = async (): Promise<void> => {
    const input = { amount, idempotencyKey: keyOf('charge', { amount }) };
    const answer = (await charge({ variables: { input } })).data?.charge;
    settle('charge');
    if (answer?.__typename === 'LedgerEntry') charged();
  };

  return (
    <>
      {result?.__typename === 'Refusal' && <RefusalNotice code={result.code} />}
      {error && <FaultNotice error={error} />}
      <button
        type="button"
        className="button primary wide"
        disabled={loading}
        onClick={() => void send().catch(() => undefined)}
      >
        {loading ? frame.loading : words.charge(money(amount))}
      </button>
      {charges === 'OPEN' && <p className="small soft">{words.chargeHelp}</p>}
    </>
  );
}

/** A charge that waits for the payment provider, until the money has come or will not. */
function Pending({ charge: asked, charged }: { charge: ChargeStateFragment; charged: () => void }): ReactNode {
  const { wallet: words } = useWords();
  const { data } = useQuery(PendingChargeDocument, { variables: { id: asked.id }, pollInterval: ASK_MS });
  const { status, reference } = data?.charge ?? asked;
  // biome-ignore lint/correctness/useExhaustiveDependencies: told once, when the money has come
  useEffect(() => {
    if (status === 'COMPLETED') charged();
  }, [status]);
  const [kind, text] = {
    PENDING: ['', `${words.pending} ${words.pendingHelp(reference)}`],
    COMPLETED: ['good', words.charged],
    FAILED: ['bad', words.failed],
    EXPIRED: ['warn', words.expired],
  }[status] as [string, string];
  return (
    <p className={`notice ${kind}`} role="status">
      {text}
    </p>
  );
}
