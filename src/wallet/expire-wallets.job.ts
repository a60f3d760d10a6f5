import type { EntityManager } from '@mikro-orm/core';
import { runAlone } from '../commands/runner.ts';
import type { Job } from '../platform/jobs.ts';
import { NOW_ONCE, sql } from '../platform/postgres.ts';
import { MINUTE } from '../platform/units.ts';
import { Wallet } from './wallet.ts';

/** Wallets emptied in one transaction. */
const MAX_AT_ONCE = 50;

/**
 * Takes the whole balance out of wallets that have not moved for WALLET_EXPIRY_DAYS; does nothing while that is unset.
 * The index finds wallets by the day of the last entry; the instant of that entry decides. A wallet that another
 * transaction has locked is left out: its balance is about to move.
 */
export const expireWallets: Job = {
  name: 'expire-wallets',
  everyMs: MINUTE,
  async run(platform) {
    const days = platform.config.WALLET_EXPIRY_DAYS;
    if (days === undefined) return;
    let expired: number;
    do {
      expired = await runAlone(platform, (em) => expireSome(em, days));
      if (expired > 0) platform.log.info({ expired }, 'the money in wallets without movement has lapsed');
    } while (expired === MAX_AT_ONCE);
  },
};

async function expireSome(em: EntityManager, days: number): Promise<number> {
  const still = await sql<{ userId: string; now: Date }>(
    em,
    `select w.user_id as "userId", ${NOW_ONCE} as now from wallet w join entry e on e.wallet_id = w.user_id and e.seq = w.seq
     where w.moved_on <= (${NOW_ONCE} at time zone 'UTC' - make_interval(days => $1))::date and w.balance > 0
       and e.created_at <= ${NOW_ONCE} - make_interval(days => $1)
     order by w.moved_on limit $2 for update of w skip locked`,
    [days, MAX_AT_ONCE],
  );
  const wallets = await em.find(Wallet, { userId: { $in: still.map(({ userId }) => userId) } });
  const entries = wallets.map((wallet) =>
    wallet.post({ kind: 'EXPIRY', amount: -wallet.balance, at: still[0]?.now ?? new Date() }),
  );
  await em.flush();
  if (entries.length > 0) await em.insertMany(entries);
  return still.length;
}
