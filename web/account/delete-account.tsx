import { useMutation } from '@apollo/client/react';
import { AlertDialog } from '@base-ui/react/alert-dialog';
import type { ReactNode } from 'react';
import { Link } from 'react-router';
import { FaultNotice, RefusalNotice } from '../frame/notices.tsx';
import { DeleteMyAccountDocument, type DeleteMyAccountMutation } from '../gql/graphql.ts';
import { emptyCart } from '../shop/cart.ts';
import { useFormats } from '../words/formats.ts';
import { useWords } from '../words/language.tsx';
import { forgetSession } from './session.ts';

type AccountInUse = Extract<DeleteMyAccountMutation['deleteMyAccount'], { __typename: 'AccountInUse' }>;

/** Deletes the account, after asking whether that is meant; says what is still in it where that stands in the way. */
export function DeleteAccount(): ReactNode {
  const { account: words } = useWords();
  const [remove, { data, loading, error, reset }] = useMutation(DeleteMyAccountDocument);
  const answer = data?.deleteMyAccount;

  const send = async (): Promise<void> => {
    const result = (await remove()).data?.deleteMyAccount;
    if (result?.__typename !== 'User') return;
    emptyCart();
    forgetSession();
  };

  return (
    <section className="card stack" aria-labelledby="delete">
      <h2 id="delete">{words.deleteTitle}</h2>
      <p className="soft">{words.deleteHelp}</p>
      <AlertDialog.Root onOpenChange={reset}>
        <div className="row">
          <AlertDialog.Trigger className="button">{words.delete}</AlertDialog.Trigger>
        </div>
        <AlertDialog.Portal>
          <AlertDialog.Backdrop className="backdrop" />
          <AlertDialog.Popup className="popup stack">
            <AlertDialog.Title>{words.deleteAsk}</AlertDialog.Title>
            <AlertDialog.Description>{words.deleteHelp}</AlertDialog.Description>
            {answer?.__typename === 'AccountInUse' && <InUse inUse={answer} />}
            {answer?.__typename === 'Refusal' && <RefusalNotice code={answer.code} />}
            {error && <FaultNotice error={error} />}
            <div className="row">
              <AlertDialog.Close className="button primary">{words.keepAccount}</AlertDialog.Close>
              <button
                type="button"
                className="button"
                disabled={loading}
                onClick={() => void send().catch(() => undefined)}
              >
                {words.delete}
              </button>
            </div>
          </AlertDialog.Popup>
        </AlertDialog.Portal>
      </AlertDialog.Root>
    </section>
  );
}

/** What is still in the account, with the way to each. */
function InUse({ inUse }: { inUse: AccountInUse }): ReactNode {
  const { account: words } = useWords();
  const { money, number } = useFormats();
  const { code, balance, chargeIds, orderIds, reservationIds, ticketIds } = inUse;
  const rows = [
    { to: '/wallet', text: words.inUse.balance(money(balance)), isThere: balance > 0 },
    { to: '/wallet', text: words.inUse.charges(number(chargeIds.length)), isThere: chargeIds.length > 0 },
    { to: '/shop/orders', text: words.inUse.orders(number(orderIds.length)), isThere: orderIds.length > 0 },
    { to: '/tickets', text: words.inUse.holds(number(reservationIds.length)), isThere: reservationIds.length > 0 },
    { to: '/tickets', text: words.inUse.tickets(number(ticketIds.length)), isThere: ticketIds.length > 0 },
  ];
  return (
    <RefusalNotice code={code}>
      <ul>
        {rows
          .filter(({ isThere }) => isThere)
          .map(({ to, text }) => (
            <li key={text}>
              <Link to={to}>{text}</Link>
            </li>
          ))}
      </ul>
    </RefusalNotice>
  );
}
