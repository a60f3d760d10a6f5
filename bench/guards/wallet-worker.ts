// One process of the product without its server: charges wallets as it is told, under the guard argv[2], on the database
// argv[3] and the Redis argv[4].
import type { Platform } from '../../src/platform/platform.ts';
import { built } from '../product.ts';
import { openPlatform } from './open-platform.ts';
import type { Order, Report } from './subject.ts';

const [guard = '', databaseUrl = '', redisUrl = ''] = process.argv.slice(2);
const { LedgerEntry, Wallet } = await built<typeof import('../../src/wallet/wallet.ts')>('wallet/wallet');
const { charge } = await built<typeof import('../../src/charges/charge.ts')>('charges/charge');
const { makeContext } = await built<typeof import('../../src/api/context.ts')>('api/context');
const { isUnavailable } = await built<typeof import('../../src/platform/faults.ts')>('platform/faults');
const { newId } = await built<typeof import('../../src/platform/ids.ts')>('platform/ids');

const platform = await openPlatform({ WALLET_GUARD: guard }, [Wallet, LedgerEntry], databaseUrl, redisUrl);

async function run({ ids, count, atOnce, room }: Order): Promise<Report> {
  // One piece of work in ten is refused.
  const roomy = { ...platform, config: { ...platform.config, BALANCE_LIMIT: room } };
  const tally = { applied: 0, refused: 0, tries: 0 };
  const latencies: number[] = [];
  let next = 0;
  const charge = async (): Promise<void> => {
    for (let n = next++; n < count; n = next++) {
      const began = performance.now();
      const isApplied = await chargeUntilAnswered(roomy, ids[n % ids.length] as string, () => tally.tries++);
      latencies.push(performance.now() - began);
      tally[isApplied ? 'applied' : 'refused']++;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, charge));
  return { applied: tally.applied, refused: tally.refused, retries: Math.max(0, tally.tries - count), latencies };
}

/** Charges as a client does that is told SERVICE_UNAVAILABLE: it asks again, with the same key. */
async function chargeUntilAnswered(on: Platform, userId: string, onTry: () => void): Promise<boolean> {
  const id = newId();
  for (;;) {
    try {
      return await chargeOnce(on, id, userId, onTry);
    } catch (error) {
      if (!isUnavailable(error)) throw error;
    }
  }
}

/** @returns whether it was applied */
async function chargeOnce(on: Platform, id: string, userId: string, onTry: () => void): Promise<boolean> {
  onTry();
  const endless = { until: Number.POSITIVE_INFINITY, sessionId: null, version: 0 };
  const caller = { id: userId, role: 'BUYER' as const, ...endless };
  const answer = await charge(makeContext(on, caller, undefined), { amount: 1, idempotencyKey: id });
  return !('code' in answer);
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
