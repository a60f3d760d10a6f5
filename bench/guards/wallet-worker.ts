// One process of the product without its server: charges wallets as it is told, under the guard argv[2], on the database
// argv[3] and the Redis argv[4].
import type { LedgerEntry } from '../../src/wallet/ledger-entry.ts';
import { built } from '../product.ts';
import { openPlatform } from './open-platform.ts';
import type { Order, Report } from './subject.ts';

const [guard = '', databaseUrl = '', redisUrl = ''] = process.argv.slice(2);
const { Wallet } = await built<typeof import('../../src/wallet/wallet.ts')>('wallet/wallet');
const { LedgerEntry: Entry } = await built<typeof import('../../src/wallet/ledger-entry.ts')>('wallet/ledger-entry');
const { workOnWallet } = await built<typeof import('../../src/wallet/wallet-work.ts')>('wallet/wallet-work');
const { isUnavailable } = await built<typeof import('../../src/platform/faults.ts')>('platform/faults');
const { newId } = await built<typeof import('../../src/platform/ids.ts')>('platform/ids');

const platform = await openPlatform({ WALLET_GUARD: guard }, [Wallet, Entry], databaseUrl, redisUrl);

async function run({ ids, count, atOnce, room }: Order): Promise<Report> {
  const tally = { applied: 0, refused: 0, tries: 0 };
  const latencies: number[] = [];
  let next = 0;
  const charge = async (): Promise<void> => {
    for (let n = next++; n < count; n = next++) {
      const began = performance.now();
      const isApplied = await chargeUntilAnswered(ids[n % ids.length] as string, room, () => tally.tries++);
      latencies.push(performance.now() - began);
      tally[isApplied ? 'applied' : 'refused']++;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, charge));
  return { applied: tally.applied, refused: tally.refused, retries: Math.max(0, tally.tries - count), latencies };
}

/** Charges as a client does that is told SERVICE_UNAVAILABLE: it asks again, with the same key. */
async function chargeUntilAnswered(userId: string, limit: number, onTry: () => void): Promise<boolean> {
  const id = newId();
  for (;;) {
    try {
      return await chargeOnce(id, userId, limit, onTry);
    } catch (error) {
      if (!isUnavailable(error)) throw error;
    }
  }
}

/** Does what the verb `charge` does. @returns whether it was applied */
async function chargeOnce(id: string, userId: string, limit: number, onTry: () => void): Promise<boolean> {
  const answer = await workOnWallet<LedgerEntry | 'refused'>(platform, userId, {
    key: { userId, mutation: 'charge', key: id, input: { amount: 1 } },
    isOver: () => false,
    presumed: { type: 'LedgerEntry', id },
    apply: async (_em, ledger) => {
      onTry();
      if (ledger.balance + 1 > limit) return { answer: 'refused', keep: { type: 'Refusal' } };
      return { answer: ledger.postEntry({ id, kind: 'CHARGE', amount: 1 }) };
    },
    replay: async (em, kept) => (kept.id === undefined ? 'refused' : em.findOneOrFail(Entry, { id })),
  });
  return answer !== 'refused';
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
