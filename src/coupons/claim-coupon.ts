import { type Context, callerOf, isOver } from '../api/context.ts';
import { idOf } from '../api/input.ts';
import { CallerError, notFound, refuse } from '../api/problems.ts';
import { GUARDS } from '../legacy/guards/guard.ts';
import { BatchByKey, type Outcome } from '../platform/batch-by-key.ts';
import { type Platform, perProcess } from '../platform/platform.ts';
import { claimByScript } from './claim-by-script.ts';
import { confirmClaims, type Verdict } from './confirm-claims.ts';
import { type ClaimAnswer, couponAlreadyClaimed } from './coupon-problems.ts';

interface Claimant {
  readonly userId: string;
  /** Whether nobody waits for the answer any more: then nothing is claimed. */
  readonly isOver: () => boolean;
}

/** Claims decided together: a crowd shares transactions, and keeps its order. */
const MOST_AT_ONCE = 100;

const batches = perProcess(
  (platform) =>
    new BatchByKey<Claimant, ClaimAnswer>(MOST_AT_ONCE, (couponId, claimants) =>
      decideAll(platform, couponId, claimants),
    ),
);

/**
 * Gives the caller one of the coupons, first come first served: serials from 1 in the order of arrival.
 * @returns the IssuedCoupon; CouponAlreadyClaimed for whoever has one; COUPON_SOLD_OUT; COUPON_CLOSED before startsAt
 * and from endsAt
 * @throws CallerError NOT_FOUND for an unknown coupon
 */
export function claimCoupon(context: Context, couponId: string): Promise<ClaimAnswer> {
  const claimant = { userId: callerOf(context).id, isOver: () => isOver(context) };
  return batches(context.platform).do(idOf('couponId', couponId), claimant);
}

async function decideAll(
  platform: Platform,
  couponId: string,
  claimants: readonly Claimant[],
): Promise<Outcome<ClaimAnswer>[]> {
  const present = new Set(claimants.filter((claimant) => !claimant.isOver()));
  const userIds = [...new Set([...present].map(({ userId }) => userId))];
  const verdicts = userIds.length > 0 ? await decide(platform, couponId, userIds) : new Map<string, Verdict>();
  const served = new Set<string>();
  return claimants.map((claimant) => {
    const verdict = present.has(claimant) ? verdicts.get(claimant.userId) : undefined;
    if (!verdict) return { error: new CallerError('SERVICE_UNAVAILABLE') };
    const isFirst = !served.has(claimant.userId);
    served.add(claimant.userId);
    return answerTo(verdict, isFirst);
  });
}

/** Under whichever guard the deployment has chosen, the same transaction confirms. */
function decide(platform: Platform, couponId: string, userIds: readonly string[]): Promise<Map<string, Verdict>> {
  const { COUPON_GUARD } = platform.config;
  if (COUPON_GUARD === 'script') return claimByScript(platform, couponId, userIds);
  return GUARDS[COUPON_GUARD](platform, `coupon:${couponId}`, (em, reading) =>
    confirmClaims(em, couponId, userIds, reading),
  );
}

/** Of several claims of one user at once the first may get the coupon; the others have it already. */
function answerTo(verdict: Verdict, isFirst: boolean): Outcome<ClaimAnswer> {
  if (typeof verdict === 'object') {
    const { issued, isNew } = verdict;
    return { value: isNew && isFirst ? issued : couponAlreadyClaimed(issued) };
  }
  if (verdict === 'NO_SUCH_COUPON') return { error: notFound('coupon') };
  return { value: refuse(verdict) };
}
