import pLimit from 'p-limit';
import type { Refusal } from '../api/problems.ts';
import { claimKeys } from '../legacy/idempotency.ts';
import { applyInTurn, doTogether, type KeyedWork } from '../legacy/keyed-work.ts';
import { BatchByKey, type Outcome } from '../platform/batch-by-key.ts';
import { CountByKey } from '../platform/count-by-key.ts';
import { isLockedOut } from '../platform/faults.ts';
import { forkOf, type Platform, perProcess } from '../platform/platform.ts';
import { POOL_SIZE, sql } from '../platform/postgres.ts';
import { transact } from '../platform/transact.ts';
import { SECOND } from '../platform/units.ts';
import { freeWanted } from './free-wanted.ts';
import { leastLocked } from './least-locked.ts';
import type { Order } from './order.ts';
import { OrderDesk, type Wish } from './order-desk.ts';
import type { StockRefusal } from './shop-problems.ts';

/** One order to be placed, under one idempotency key. */
export interface OrderWork extends KeyedWork<OrderDesk, Order | StockRefusal> {
  readonly wish: Wish;
}

/** Orders placed in one transaction: many, so that a crowd at one product shares commits; not so many as to hold it long. */
const MOST_AT_ONCE = 50;

/** How long many orders wait together for a row that somebody else has, before those go on that do not want it. */
const PATIENCE_MS = SECOND / 2;

/** A crowd that waits for products' locks leaves connections to others. */
const counters = perProcess(() => pLimit(POOL_SIZE / 2));

/** How many orders that are under way ask for each product. */
const demand = perProcess(() => new CountByKey());

const batches = perProcess(
  (platform) =>
    new BatchByKey<OrderWork, unknown>(MOST_AT_ONCE, (_productId, works) =>
      counters(platform)(() => doTogether(works, (wanted) => placeTogether(platform, wanted))),
    ),
);

/**
 * Places an order: what waits for the same product in this process goes into one transaction, in the order of asking,
 * before a connection is taken; row locks keep other processes apart.
 * @returns the answer; a Refusal IDEMPOTENCY_CONFLICT for a key that came with other input
 */
export async function workOnOrder(platform: Platform, work: OrderWork): Promise<Order | StockRefusal | Refusal> {
  const asked = demand(platform);
  const productIds = [...new Set(work.wish.lines.map(({ productId }) => productId))];
  const key = mostWanted(asked, productIds);
  for (const productId of productIds) asked.take(productId, Number.POSITIVE_INFINITY);
  try {
    return (await batches(platform).do(key, work)) as Order | StockRefusal | Refusal;
  } finally {
    for (const productId of productIds) asked.giveBack(productId);
  }
}

/** The product for which an order would have to wait longest: those that others want too are placed along with them. */
function mostWanted(asked: CountByKey, productIds: readonly string[]): string {
  return productIds.reduce((most, id) => (asked.count(id) > asked.count(most) ? id : most));
}

async function placeTogether(platform: Platform, works: readonly OrderWork[]): Promise<Outcome<unknown>[]> {
  await freeWanted(platform, {
    productIds: works.flatMap(({ wish }) => wish.lines.map(({ productId }) => productId)),
    issuedCouponIds: works.flatMap(({ wish }) => wish.issuedCouponId ?? []),
  });
  try {
    return await placeAll(platform, works);
  } catch (error) {
    if (works.length === 1 || !isLockedOut(error)) throw error;
    return placeLeastLocked(platform, works, error);
  }
}

/** Orders that want less of what is locked go again without those that want more, which have waited in vain. */
async function placeLeastLocked(
  platform: Platform,
  works: readonly OrderWork[],
  error: unknown,
): Promise<Outcome<unknown>[]> {
  const again = await leastLocked(platform, works);
  const placed = await doTogether(again, (wanted) => placeAll(platform, wanted));
  const byWork = new Map(again.map((work, index) => [work, placed[index]]));
  return works.map((work) => byWork.get(work) ?? { error });
}

function placeAll(platform: Platform, works: readonly OrderWork[]): Promise<Outcome<unknown>[]> {
  return transact(forkOf(platform), async (em) => {
    if (works.length > 1) await sql(em, `set local lock_timeout = ${PATIENCE_MS}`);
    const fresh = await claimKeys(em, works);
    const wishes = works.flatMap(({ wish }, index) => (fresh[index] ? [wish] : []));
    const desk = await OrderDesk.open(em, wishes, platform.config.ORDER_MINUTES);
    return applyInTurn(em, works, fresh, desk);
  });
}
