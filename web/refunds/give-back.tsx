import { useMutation } from '@apollo/client/react';
import { AlertDialog } from '@base-ui/react/alert-dialog';
import { type ReactNode, useState } from 'react';
import { FaultNotice, RefusalNotice } from '../frame/notices.tsx';
import {
  CancelPaymentDocument,
  type ProblemCode,
  RefundPaymentDocument,
  type RefundPaymentInput,
} from '../gql/graphql.ts';
import { keyOf, settle } from '../server/intents.ts';
import { useWords } from '../words/language.tsx';

interface Props {
  readonly paymentId: string;
  /** What of it is given back; undefined for all that is left. */
  readonly part: Pick<RefundPaymentInput, 'seatIds' | 'lines'> | undefined;
  /** Text of the button, which says how much that is. */
  readonly label: string;
  readonly disabled?: boolean;
  /** What cannot be undone. */
  readonly warning: string;
  /** Called once it was given back, or turned out to be otherwise than it is shown: it is read again. */
  readonly changed: () => Promise<unknown>;
}

/** Gives a payment back, or a part of it, after asking whether that is meant. */
export function GiveBack({ paymentId, part, label, disabled = false, warning, changed }: Props): ReactNode {
  const { refunds: words } = useWords();
  const [isOpen, setOpen] = useState(false);
  const [refusal, setRefusal] = useState<ProblemCode>();
  const [refund, refunding] = useMutation(RefundPaymentDocument);
  const [cancel, cancelling] = useMutation(CancelPaymentDocument);
  const isSending = refunding.loading || cancelling.loading;
  const error = refunding.error ?? cancelling.error;

  const open = (next: boolean): void => {
    setRefusal(undefined);
    refunding.reset();
    cancelling.reset();
    setOpen(next);
  };

  const send = async (): Promise<void> => {
    const intent = `give back ${paymentId}`;
    const idempotencyKey = keyOf(intent, part ?? {});
    const answer = part
      ? (await refund({ variables: { input: { paymentId, ...part, idempotencyKey } } })).data?.refundPayment
      : (await cancel({ variables: { input: { paymentId, idempotencyKey } } })).data?.cancelPayment;
    settle(intent);
    if (answer && 'code' in answer) setRefusal(answer.code);
    else setOpen(false);
    await changed();
  };

  return (
    <AlertDialog.Root open={isOpen} onOpenChange={open}>
      <AlertDialog.Trigger className="button" disabled={disabled}>
        {label}
      </AlertDialog.Trigger>
      <AlertDialog.Portal>
        <AlertDialog.Backdrop className="backdrop" />
        <AlertDialog.Popup className="popup stack">
          <AlertDialog.Title>{label}</AlertDialog.Title>
          <AlertDialog.Description>{warning}</AlertDialog.Description>
          {refusal && <RefusalNotice code={refusal} />}
          {error && <FaultNotice error={error} />}
          <div className="row">
            <AlertDialog.Close className="button primary">{words.keep}</AlertDialog.Close>
            <button
              type="button"
              className="button"
              disabled={isSending || refusal !== undefined}
              onClick={() => void send().catch(() => undefined)}
            >
              {isSending ? words.givingBack : words.giveBack}
            </button>
          </div>
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
