import { useQuery } from '@apollo/client/react';
import { type ReactNode, useState } from 'react';
import { Link, useParams } from 'react-router';
import { FaultNotice } from '../frame/notices.tsx';
import { ForUsers, Loading, NotFound, Page } from '../frame/page.tsx';
import { OrderDocument, type OrderQuery } from '../gql/graphql.ts';
import { GiveBack } from '../refunds/give-back.tsx';
import { RefundList } from '../refunds/refund-list.tsx';
import { Quantity } from '../shop/quantity.tsx';
import { useFormats } from '../words/formats.ts';
import { useWords } from '../words/language.tsx';
import { OrderStatus } from './order-status.tsx';
import look from './orders.module.css';
import { PayForOrder } from './pay-for-order.tsx';

export type Order = NonNullable<OrderQuery['order']>;

/** One order: what is in it, the way to pay for it, and what of it can be given back. */
export default function OrderPage(): ReactNode {
  return (
    <ForUsers>
      <OrderOf />
    </ForUsers>
  );
}

function OrderOf(): ReactNode {
  const { id = '' } = useParams();
  const { orders: words } = useWords();
  const { dateTime } = useFormats();
  const { data, error, refetch } = useQuery(OrderDocument, { variables: { id }, fetchPolicy: 'cache-and-network' });
  if (error && !data) return <FaultNotice error={error} retry={() => void refetch()} />;
  if (!data) return <Loading />;
  const { order } = data;
  if (!order) return <NotFound />;
  return (
    <Page title={words.one}>
      <p className="row">
        <span role="status">
          <OrderStatus status={order.status} />
        </span>
        <span className="soft">{dateTime(order.createdAt)}</span>
        <Link to="/shop/orders">{words.all}</Link>
      </p>
      <div className="columns">
        <Contents order={order} changed={refetch} />
        <div className="stack">
          <Sums order={order} />
          {order.status === 'PLACED' && <PayForOrder order={order} changed={refetch} />}
          {order.status === 'CANCELLED' && <p className="notice">{words.cancelled}</p>}
          <RefundList refunds={order.payment?.refunds ?? []} />
        </div>
      </div>
    </Page>
  );
}

interface Props {
  readonly order: Order;
  readonly changed: () => Promise<unknown>;
}

/** The lines; of those that are paid for, how many pieces are to be given back. */
function Contents({ order, changed }: Props): ReactNode {
  const { orders: words } = useWords();
  const { money, number } = useFormats();
  const [picked, setPicked] = useState<Readonly<Record<number, number>>>({});
  const { lines, memo, payment } = order;
  const canGiveBack = order.status === 'PAID' && payment?.status === 'COMPLETED';
  const part = lines.flatMap(({ lineNo, quantity, returned }) => {
    const wanted = Math.min(picked[lineNo] ?? 0, quantity - returned);
    return wanted > 0 ? [{ lineNo, quantity: wanted }] : [];
  });
  const pieces = part.reduce((sum, { quantity }) => sum + quantity, 0);
  const done = async (): Promise<void> => {
    setPicked({});
    await changed();
  };
  return (
    <section className="stack" aria-labelledby="lines">
      <h2 id="lines">{words.lines}</h2>
      <ul className="lines">
        {lines.map(({ lineNo, product, quantity, unitPrice, amount, returned }) => (
          <li key={lineNo} className="line">
            <div>
              <p className="strong">{product.name}</p>
              <p className="small soft figures">
                {money(unitPrice)} × {number(quantity)}
              </p>
              {returned > 0 && <p className="small">{words.returned(number(returned))}</p>}
            </div>
            <p className="strong figures">{money(amount)}</p>
            {canGiveBack && returned < quantity && (
              <>
                <p className="small soft">{words.howMany}</p>
                <Quantity
                  of={product.name}
                  value={picked[lineNo] ?? 0}
                  max={quantity - returned}
                  change={(value) => setPicked({ ...picked, [lineNo]: value })}
                />
              </>
            )}
          </li>
        ))}
      </ul>
      {memo && <p className="soft">{words.memo(memo)}</p>}
      {canGiveBack && (
        <div className="row">
          <GiveBack
            paymentId={payment.id}
            part={{ lines: part }}
            label={pieces > 0 ? words.giveBack(number(pieces)) : words.giveBackNone}
            disabled={pieces === 0}
            warning={words.giveBackHelp}
            changed={done}
          />
          <GiveBack
            paymentId={payment.id}
            part={undefined}
            label={words.giveAllBack}
            warning={words.giveBackHelp}
            changed={done}
          />
        </div>
      )}
    </section>
  );
}

function Sums({ order: { subtotal, discount, total, coupon, payment } }: { order: Order }): ReactNode {
  const { orders: words } = useWords();
  const { money } = useFormats();
  return (
    <dl className="card facts">
      <div>
        <dt>{words.subtotal}</dt>
        <dd className="figures">{money(subtotal)}</dd>
      </div>
      {coupon && (
        <div>
          <dt>{coupon.coupon.name}</dt>
          <dd className="figures">{money(-discount)}</dd>
        </div>
      )}
      <div>
        <dt>{words.total}</dt>
        <dd className={`figures ${look.total}`}>{money(total)}</dd>
      </div>
      {payment && payment.refunded > 0 && (
        <div>
          <dt>{words.refunded}</dt>
          <dd className="figures">{money(payment.refunded)}</dd>
        </div>
      )}
    </dl>
  );
}
