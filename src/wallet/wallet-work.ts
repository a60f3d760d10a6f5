import type { Refusal } from '../api/problems.ts';
import { GUARDS } from '../legacy/guards/guard.ts';
import { claimKeys } from '../legacy/idempotency.ts';
import { applyInTurn, doTogether, type KeyedWork } from '../legacy/keyed-work.ts';
import { type Locks, lockWanted } from '../legacy/lock-order.ts';
import { BatchByKey, type Outcome } from '../platform/batch-by-key.ts';
import { type Platform, perProcess } from '../platform/platform.ts';
import { Ledger } from './post-entry.ts';

/** One verb that moves money of one wallet, under one idempotency key. */
export interface WalletWork<T> extends KeyedWork<Ledger, T> {
  /** What must be locked before anything is looked at. */
  readonly locks?: Locks;
}

/** Entries applied in one transaction: many, so that a crowd at one wallet shares commits; not so many as to hold it long. */
const MOST_AT_ONCE = 50;

const batches = perProcess(
  (platform) =>
    new BatchByKey<WalletWork<unknown>, unknown>(MOST_AT_ONCE, (userId, works) =>
      doTogether(works, (wanted) => applyTogether(platform, userId, wanted)),
    ),
);

/**
 * Does work on a wallet: what waits for the same wallet in this process goes into one transaction, in the order of
 * asking, before a connection is taken; WALLET_GUARD keeps other processes apart.
 * @param userId whose wallet it is; the key may be another user's
 * @returns the answer; a Refusal IDEMPOTENCY_CONFLICT for a key that came with other input
 */
export function workOnWallet<T>(platform: Platform, userId: string, work: WalletWork<T>): Promise<T | Refusal> {
  return batches(platform).do(userId, work as WalletWork<unknown>) as Promise<T | Refusal>;
}

function applyTogether(
  platform: Platform,
  userId: string,
  works: readonly WalletWork<unknown>[],
): Promise<Outcome<unknown>[]> {
  const guard = GUARDS[platform.config.WALLET_GUARD];
  return guard(platform, `wallet:${userId}`, async (em, reading) => {
    const fresh = await claimKeys(em, works);
    await lockWanted(
      em,
      works.flatMap(({ locks }, index) => (locks && fresh[index] ? [locks] : [])),
    );
    return applyInTurn(em, works, fresh, await Ledger.open(em, userId, reading));
  });
}
