import type { ReactNode } from 'react';
import { Link } from 'react-router';
import { RefusalNotice } from '../frame/notices.tsx';
import type { PlaceOrderMutation } from '../gql/graphql.ts';
import { useFormats } from '../words/formats.ts';
import { useWords } from '../words/language.tsx';
import { putInCart } from './cart.ts';

interface Props {
  readonly refusal: Exclude<PlaceOrderMutation['placeOrder'], { __typename: 'Order' }>;
  readonly nameOf: (productId: string) => string;
  /** Called when the cart has been changed so that the order could be placed. */
  readonly mended: () => void;
  readonly withoutCoupon: () => void;
}

/** Why an order was refused, what is left, and a click that mends the cart where one can. */
export function OrderRefusal({ refusal, nameOf, mended, withoutCoupon }: Props): ReactNode {
  const { shop: words } = useWords();
  const { number } = useFormats();
  const mend = (label: string, change: () => void): ReactNode => (
    <button
      type="button"
      className="button"
      onClick={() => {
        change();
        mended();
      }}
    >
      {label}
    </button>
  );
  switch (refusal.__typename) {
    case 'InsufficientStock': {
      const { shortages } = refusal;
      return (
        <RefusalNotice code={refusal.code}>
          <ul>
            {shortages.map(({ productId, available }) => (
              <li key={productId}>{words.leftOf(nameOf(productId), number(available))}</li>
            ))}
          </ul>
          {mend(words.takeWhatIsLeft, () => {
            for (const { productId, available } of shortages) putInCart(productId, available);
          })}
        </RefusalNotice>
      );
    }
    case 'OrderLimit': {
      const rationed = refusal.limits.flatMap(({ productId, limit, has }) =>
        productId === null ? [] : [{ productId, allowed: limit - has }],
      );
      return (
        <RefusalNotice code={refusal.code}>
          <ul>
            {refusal.limits.map(({ kind, productId, has, limit }) => (
              <li key={kind + productId}>
                {words.limits[kind](number(has), number(limit), productId === null ? '' : nameOf(productId))}
              </li>
            ))}
          </ul>
          {rationed.length > 0 &&
            mend(words.takeAllowed, () => {
              for (const { productId, allowed } of rationed) putInCart(productId, allowed);
            })}
          {rationed.length < refusal.limits.length && (
            <Link className="button" to="/shop/orders">
              {words.toOrders}
            </Link>
          )}
        </RefusalNotice>
      );
    }
    case 'Withdrawn':
      return (
        <RefusalNotice code={refusal.code}>
          <p>{refusal.ids.map(nameOf).join(', ')}</p>
          {mend(words.takeThemOut, () => {
            for (const id of refusal.ids) putInCart(id, 0);
          })}
        </RefusalNotice>
      );
    case 'Refusal':
      return (
        <RefusalNotice code={refusal.code}>
          {refusal.code === 'COUPON_NOT_USABLE' && mend(words.withoutCoupon, withoutCoupon)}
        </RefusalNotice>
      );
  }
}
