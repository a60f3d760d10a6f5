import type { Buyer, Data } from './client.ts';

export const UPDATE_COUPON = `mutation ($input: UpdateCouponInput!) { updateCoupon(input: $input) {
  __typename ... on Coupon { id name quantity remaining startsAt endsAt } ... on QuantityOnlyGrows { now: quantity }
  ... on Problem { code } } }`;
export const CLOSE_COUPON = 'mutation ($input: CloseCouponInput!) { closeCoupon(input: $input) { id closedAt } }';

/** Answers the UpdateCouponResult. */
export async function mendCoupon(operator: Buyer, input: object): Promise<Data> {
  return (await operator.get(UPDATE_COUPON, { input })).updateCoupon;
}

/** Answers the coupon. */
export async function closeCoupon(operator: Buyer, id: string): Promise<Data> {
  return (await operator.get(CLOSE_COUPON, { input: { id } })).closeCoupon;
}

/** Whether a claim was answered with a coupon; also to who asked again, having been told nothing in time. */
export function hasOne({ __typename }: Data): boolean {
  return ['IssuedCoupon', 'CouponAlreadyClaimed'].includes(__typename);
}
