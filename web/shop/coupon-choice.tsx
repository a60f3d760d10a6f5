import { useQuery } from '@apollo/client/react';
import type { ReactNode } from 'react';
import { Link } from 'react-router';
import { useDiscount } from '../coupons/discount.ts';
import { MyCouponsDocument } from '../gql/graphql.ts';
import { useWords } from '../words/language.tsx';
import look from './shop.module.css';

interface Props {
  /** Id of the issued coupon that the order uses; null for none. */
  readonly chosen: string | null;
  readonly choose: (id: string | null) => void;
}

/** The coupons of the user that can be used, of which an order takes one. */
export function CouponChoice({ chosen, choose }: Props): ReactNode {
  const { shop: words } = useWords();
  const discount = useDiscount();
  const { data } = useQuery(MyCouponsDocument, { fetchPolicy: 'cache-and-network' });
  const usable = data?.myCoupons.filter(({ status }) => status === 'ISSUED') ?? [];
  if (usable.length === 0) {
    return (
      <p className="small">
        <Link to="/shop/coupons">{words.getCoupon}</Link>
      </p>
    );
  }
  const choices = [
    { id: null, label: words.noCoupon, terms: '' },
    ...usable.map(({ id, coupon }) => ({ id, label: coupon.name, terms: discount(coupon) })),
  ];
  return (
    <fieldset className={look.coupons}>
      <legend>{words.coupon}</legend>
      {choices.map(({ id, label, terms }) => (
        <label key={id} className="check">
          <input type="radio" name="coupon" checked={chosen === id} onChange={() => choose(id)} />
          {label}
          {terms && <small>{terms}</small>}
        </label>
      ))}
    </fieldset>
  );
}
