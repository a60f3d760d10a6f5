import { setTimeout as sleep } from 'node:timers/promises';
import { GUARDS } from '../legacy/guards/guard.ts';
import { Unavailable } from '../platform/faults.ts';
import type { Platform } from '../platform/platform.ts';
import { confirmClaims, type Verdict } from './confirm-claims.ts';
import { FRESH_MS, type HandedOut, SerialDesk } from './serial-desk.ts';

/** How often those who find everything handed out look whether all of it was confirmed. */
const LOOK_AGAIN_MS = 20;

/** How often in a row what Redis says may turn out to be out of date. */
const MOST_CORRECTIONS = 5;

type Verdicts = Map<string, Verdict>;

/**
 * Redis decides who is first, PostgreSQL confirms it and numbers those who are, without a gap. Between the two a serial is
 * on a lease: after a crash there the next to ask has it. Where the rows say otherwise Redis is corrected.
 * @param userIds each once, in the order of asking
 * @throws what Redis throws while it is away
 */
export async function claimByScript(
  platform: Platform,
  couponId: string,
  userIds: readonly string[],
): Promise<Map<string, Verdict>> {
  const desk = new SerialDesk(platform, couponId);
  const verdicts: Verdicts = new Map();
  const until = Date.now() + FRESH_MS;
  let corrections = 0;
  let asking = userIds;
  while (asking.length > 0) {
    const isCurrent = await askOnce(platform, couponId, desk, asking, verdicts);
    asking = asking.filter((userId) => !verdicts.has(userId));
    if (!isCurrent) {
      if (++corrections > MOST_CORRECTIONS) throw new Unavailable('Redis and the rows of a coupon do not agree');
      if (!(await desk.rebuild())) decide(verdicts, asking, 'NO_SUCH_COUPON');
    } else if (Date.now() > until) decide(verdicts, asking, 'COUPON_SOLD_OUT');
    else if (asking.length > 0) await sleep(LOOK_AGAIN_MS);
    asking = asking.filter((userId) => !verdicts.has(userId));
  }
  return verdicts;
}

/** @returns false when Redis knows less than the rows do, and must be brought up to them */
async function askOnce(
  platform: Platform,
  couponId: string,
  desk: SerialDesk,
  userIds: readonly string[],
  verdicts: Verdicts,
): Promise<boolean> {
  const handedOut = await desk.handOut(userIds);
  if (!handedOut) return false;
  const given = new Map(userIds.map((userId, index) => [userId, handedOut[index] as HandedOut]));
  decide(
    verdicts,
    userIds.filter((userId) => given.get(userId) === 'SOLD_OUT'),
    'COUPON_SOLD_OUT',
  );
  const claimants = inOrder(given);
  if (claimants.length === 0) return true;
  const confirmed = await GUARDS.pessimistic(platform, couponId, (em, reading) =>
    confirmClaims(em, couponId, claimants, reading),
  );
  await tell(platform, desk, confirmed);
  for (const [userId, verdict] of confirmed) verdicts.set(userId, verdict);
  const isClosed = [...confirmed.values()].includes('COUPON_CLOSED');
  if (isClosed) decide(verdicts, userIds, 'COUPON_CLOSED');
  // Rows run out before Redis does only where Redis forgot some of them.
  return !claimants.some((userId) => isNumber(given.get(userId)) && confirmed.get(userId) === 'COUPON_SOLD_OUT');
}

/** Those who are to be confirmed, as Redis let them in; then who has one by its account, to be asked for by name. */
function inOrder(given: ReadonlyMap<string, HandedOut>): string[] {
  const letIn = [...given].filter((entry): entry is [string, number] => isNumber(entry[1]));
  const having = [...given].filter(([, handedOut]) => handedOut === 'HAS_ONE');
  return [...letIn.sort(([, a], [, b]) => a - b), ...having].map(([userId]) => userId);
}

function isNumber(handedOut: HandedOut | undefined): handedOut is number {
  return typeof handedOut === 'number';
}

/** Tells Redis what became of claims. What it does not hear of is put right by the end of the lease. */
async function tell(platform: Platform, desk: SerialDesk, confirmed: ReadonlyMap<string, Verdict>): Promise<void> {
  const had = [...confirmed.values()].flatMap((verdict) => (typeof verdict === 'object' ? verdict.issued : []));
  const without = [...confirmed].flatMap(([userId, verdict]) => (typeof verdict === 'object' ? [] : userId));
  try {
    await Promise.all([desk.note(had), desk.giveBack(without)]);
  } catch (error) {
    platform.log.warn({ error: String(error) }, 'claims of a coupon are left to their leases');
  }
}

/** For those of whom nothing was decided yet. */
function decide(verdicts: Verdicts, userIds: readonly string[], verdict: Verdict): void {
  for (const userId of userIds) if (!verdicts.has(userId)) verdicts.set(userId, verdict);
}
