// One process of the product without its server: claims coupons as it is told, each time as another user, under the guard
// argv[2], on the database argv[3] and the Redis argv[4].
import { randomUUID } from 'node:crypto';
import { patchPg } from '../../test/support/patch-pg.ts';
import { built } from '../product.ts';
import { openPlatform } from './open-platform.ts';
import type { Order, Report } from './subject.ts';

/** As many as the longest order has pieces of work. */
const USERS = 6_000;

const [guard = '', databaseUrl = '', redisUrl = ''] = process.argv.slice(2);
let lostRaces = 0;
patchPg((text) => {
  if (text === 'rollback') lostRaces++;
  return text;
});
const { Coupon, IssuedCoupon } = await built<typeof import('../../src/coupons/coupon.ts')>('coupons/coupon');
const { claimCoupon } = await built<typeof import('../../src/coupons/claim-coupon.ts')>('coupons/claim-coupon');
const { makeContext } = await built<typeof import('../../src/api/context.ts')>('api/context');
const { isUnavailable } = await built<typeof import('../../src/platform/faults.ts')>('platform/faults');
const { sql } = await built<typeof import('../../src/platform/postgres.ts')>('platform/postgres');

const platform = await openPlatform({ COUPON_GUARD: guard }, [Coupon, IssuedCoupon], databaseUrl, redisUrl);
const users = Array.from({ length: USERS }, () => randomUUID());
await sql(
  platform.orm.em.fork(),
  `insert into user_account (id, name, role) select id, id::text, 'BUYER' from unnest($1::uuid[]) id`,
  [users],
);

async function run({ ids, count, atOnce }: Order): Promise<Report> {
  const tally = { applied: 0, refused: 0 };
  const latencies: number[] = [];
  const lostBefore = lostRaces;
  let next = 0;
  const claim = async (): Promise<void> => {
    for (let n = next++; n < count; n = next++) {
      const began = performance.now();
      const isIssued = await claimUntilAnswered(users[n] as string, ids[n % ids.length] as string);
      latencies.push(performance.now() - began);
      tally[isIssued ? 'applied' : 'refused']++;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, claim));
  return { ...tally, retries: lostRaces - lostBefore, latencies };
}

/** As a client does that is told SERVICE_UNAVAILABLE: it asks again. @returns whether the user has a coupon */
async function claimUntilAnswered(id: string, couponId: string): Promise<boolean> {
  for (;;) {
    try {
      const caller = { id, role: 'BUYER' as const, until: Number.POSITIVE_INFINITY, sessionId: null, version: 0 };
      const context = makeContext(platform, caller, undefined);
      const answer = await claimCoupon(context, couponId);
      return 'serial' in answer || 'issuedCoupon' in answer;
    } catch (error) {
      const isBusy =
        isUnavailable(error) || (error as { extensions?: { code: string } }).extensions?.code === 'SERVICE_UNAVAILABLE';
      if (!isBusy) throw error;
    }
  }
}

process.on('message', (order: Order) => {
  run(order).then(
    (report) => process.send?.(report),
    (error: unknown) => {
      process.stderr.write(`${error}\n`, () => process.exit(1));
    },
  );
});
// Open connections would keep it alive after whoever gives the orders is gone.
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
