import { useMutation } from '@apollo/client/react';
import type { ReactNode } from 'react';
import { Link } from 'react-router';
import { useSession } from '../account/session.ts';
import { FaultNotice, RefusalNotice } from '../frame/notices.tsx';
import {
  ClaimCouponDocument,
  type ClaimCouponMutation,
  type IssuedFragment,
  MyCouponsDocument,
  type OnOfferFragment,
} from '../gql/graphql.ts';
import { useFormats } from '../words/formats.ts';
import { useWords } from '../words/language.tsx';
import look from './coupons.module.css';
import { useDiscount } from './discount.ts';

interface Props {
  readonly coupon: OnOfferFragment;
  /** The one that the user has. */
  readonly issued: IssuedFragment | undefined;
}

/** The coupon that the user has by the answer to a claim: the one that was claimed now, or before. */
function issuedBy(answer: ClaimCouponMutation['claimCoupon'] | undefined): IssuedFragment | undefined {
  if (answer?.__typename === 'IssuedCoupon') return answer;
  return answer?.__typename === 'CouponAlreadyClaimed' ? answer.issuedCoupon : undefined;
}

/** One coupon, how many are left, and the claim. A second click gets the coupon that the first one got. */
export function Claim({ coupon, issued }: Props): ReactNode {
  const { coupons: words } = useWords();
  const { number, dateTime } = useFormats();
  const { status } = useSession();
  const discount = useDiscount();
  const [claim, { data, loading, error }] = useMutation(ClaimCouponDocument, {
    variables: { couponId: coupon.id },
    // One fewer is left at once; the next look at the server says how many others were claimed meanwhile.
    update(cache, result) {
      if (result.data?.claimCoupon.__typename === 'IssuedCoupon') {
        cache.modify<OnOfferFragment>({
          id: cache.identify({ ...coupon, __typename: 'Coupon' }),
          fields: { remaining: (left) => Math.max(0, left - 1) },
        });
      }
      const got = issuedBy(result.data?.claimCoupon);
      if (!got) return;
      cache.updateQuery(
        { query: MyCouponsDocument },
        (before) => before && { myCoupons: [got, ...before.myCoupons.filter(({ id }) => id !== got.id)] },
      );
    },
  });
  const answer = data?.claimCoupon;
  const has = issued ?? issuedBy(answer);
  return (
    <li className={look.card}>
      <h3>{coupon.name}</h3>
      <p className={look.discount}>{discount(coupon)}</p>
      <p className="small soft">{words.until(dateTime(coupon.endsAt))}</p>
      <div className={look.end}>
        <div className={look.meter} aria-hidden="true">
          <div style={{ width: `${(100 * coupon.remaining) / coupon.quantity}%` }} />
        </div>
        <p className="small figures">{words.left(number(coupon.remaining), number(coupon.quantity))}</p>
        <div role="status">
          {has && (
            <div className="notice good">
              <p>{words.youHave(number(has.serial))}</p>
            </div>
          )}
        </div>
        {!has && answer?.__typename === 'Refusal' && <RefusalNotice code={answer.code} />}
        {error && <FaultNotice error={error} />}
        {has ? (
          <Link className="button" to="/shop/cart">
            {words.toCart}
          </Link>
        ) : status === 'guest' ? (
          <Link className="button primary" to="/sign-in?next=/shop/coupons">
            {words.signInToClaim}
          </Link>
        ) : (
          <button
            type="button"
            className="button primary"
            disabled={loading || (answer?.__typename === 'Refusal' && answer.code === 'COUPON_SOLD_OUT')}
            onClick={() => void claim().catch(() => undefined)}
          >
            {loading ? words.claiming : words.claim}
          </button>
        )}
      </div>
    </li>
  );
}
