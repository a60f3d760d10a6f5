import { lockFreeIssuedCoupons, lockFreeProducts } from '../legacy/lock-order.ts';
import { forkOf, type Platform } from '../platform/platform.ts';
import { transact } from '../platform/transact.ts';
import type { Wish } from './order-desk.ts';

/** Those whose wishes have least of what somebody else has locked at this moment, in their order: as a rule nothing. */
export async function leastLocked<W extends { readonly wish: Wish }>(
  platform: Platform,
  works: readonly W[],
): Promise<W[]> {
  const wanted = works.map(({ wish }) => productsOf(wish));
  const coupons = works.map(({ wish: { issuedCouponId } }) => (issuedCouponId === null ? [] : [issuedCouponId]));
  const free = await transact(forkOf(platform), async (em) => {
    const products = await lockFreeProducts(em, wanted.flat());
    return new Set([...products, ...(await lockFreeIssuedCoupons(em, coupons.flat()))]);
  });
  const locked = works.map((_work, index) => {
    const ids = [...(wanted[index] ?? []), ...(coupons[index] ?? [])];
    return ids.filter((id) => !free.has(id)).length;
  });
  const least = Math.min(...locked);
  return works.filter((_work, index) => locked[index] === least);
}

function productsOf({ lines }: Wish): string[] {
  return [...new Set(lines.map(({ productId }) => productId))];
}
