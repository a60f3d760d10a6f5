// A process that adds 1 to each of some wallets, over and over, as two batches do that share them: argv has the database's
// URL, `single` or `bulk` updates, how often, and the wallets' ids. Tells when it is ready, starts when it is told to, and
// answers how many times a wallet was added to.
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

const [databaseUrl = '', updates = '', rounds = '', ...ids] = process.argv.slice(2);
const built = (path: string): Promise<Record<string, unknown>> =>
  import(new URL(`../../dist/src/${path}.js`, import.meta.url).href);
const { openPostgres } = (await built('platform/postgres')) as typeof import('../../src/platform/postgres.ts');
const { openLog } = (await built('platform/log')) as typeof import('../../src/platform/log.ts');
const { LedgerEntry, Wallet } = (await built('wallet/wallet')) as typeof import('../../src/wallet/wallet.ts');

const orm = await openPostgres(databaseUrl, [Wallet, LedgerEntry], [], openLog('error'));
if (updates === 'bulk') orm.config.set('useBatchUpdates', true);

/** Adds 1 to each of the wallets, or to none. @returns whether it did */
async function addOnce(): Promise<boolean> {
  const em = orm.em.fork();
  await em.begin();
  try {
    const wallets = await em.find(Wallet, { userId: { $in: ids } }, { orderBy: { userId: 1 } });
    await sleep(2);
    for (const wallet of wallets) wallet.balance += 1;
    await em.commit();
    return true;
  } catch (error) {
    await em.rollback().catch(() => undefined);
    if ((error as Error).name !== 'OptimisticLockError' && (error as { code?: string }).code !== '40P01') throw error;
    await sleep(Math.random() * 5);
    return false;
  }
}

process.send?.('ready');
await once(process, 'message');
let added = 0;
for (let round = 0; round < Number(rounds); round++) if (await addOnce()) added += ids.length;
await orm.close();
process.send?.(added, () => process.exit(0));
