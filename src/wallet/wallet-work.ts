import type { EntityManager } from '@mikro-orm/core';
import { type Locks, lockWanted } from '../lock-order.ts';
import { BatchByKey, type Outcome } from '../platform/batch-by-key.ts';
import { isUnavailable } from '../platform/faults.ts';
import { GUARDS } from '../platform/guards/guard.ts';
import { type Claim, claimKeys, dropKey, type KeptAnswer, keepAnswer, readKept } from '../platform/idempotency.ts';
import { type Platform, perProcess } from '../platform/platform.ts';
import { CallerError, type Refusal, refuse } from '../problems.ts';
import { Ledger } from './post-entry.ts';

/** One verb that moves money of one wallet, under one idempotency key. */
export interface WalletWork<T> extends Claim {
  /** What must be locked before anything is looked at. */
  readonly locks?: Locks;
  /** Whether nobody waits for the answer any more: then the work is not begun. */
  readonly isOver: () => boolean;
  /**
   * Does the work. What it throws as a CallerError it must throw before it writes.
   * @returns the answer, and what to keep of it where it is not what was presumed
   */
  readonly apply: (em: EntityManager, ledger: Ledger) => Promise<{ answer: T; keep?: KeptAnswer }>;
  /** The answer that was kept, with the things it names as they are now. */
  readonly replay: (em: EntityManager, kept: KeptAnswer) => Promise<T>;
}

/** Entries applied in one transaction: many, so that a crowd at one wallet shares commits; not so many as to hold it long. */
const MOST_AT_ONCE = 50;

const batches = perProcess(
  (platform) =>
    new BatchByKey<WalletWork<unknown>, unknown>(MOST_AT_ONCE, (userId, works) => applyWanted(platform, userId, works)),
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

async function applyWanted(
  platform: Platform,
  userId: string,
  works: readonly WalletWork<unknown>[],
): Promise<Outcome<unknown>[]> {
  const wanted = works.filter((work) => !work.isOver());
  const outcomes = wanted.length > 0 ? await applyAll(platform, userId, wanted) : [];
  const byWork = new Map(wanted.map((work, index) => [work, outcomes[index]]));
  return works.map((work) => byWork.get(work) ?? { error: new CallerError('SERVICE_UNAVAILABLE') });
}

async function applyAll(
  platform: Platform,
  userId: string,
  works: readonly WalletWork<unknown>[],
): Promise<Outcome<unknown>[]> {
  try {
    return await applyTogether(platform, userId, works);
  } catch (error) {
    if (works.length === 1 || isUnavailable(error)) throw error;
    // One of them is at fault, and the others shall not suffer for it.
    const outcomes: Outcome<unknown>[] = [];
    for (const work of works) {
      const alone = applyTogether(platform, userId, [work]);
      outcomes.push(...(await alone.catch((fault: unknown) => [{ error: fault }])));
    }
    return outcomes;
  }
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
    const ledger = await Ledger.open(em, userId, reading);
    const outcomes: Outcome<unknown>[] = [];
    for (const [index, work] of works.entries()) {
      outcomes.push(fresh[index] ? await applyOne(em, ledger, work) : await replayOne(em, ledger, work));
    }
    await ledger.write();
    return outcomes;
  });
}

async function applyOne(em: EntityManager, ledger: Ledger, work: WalletWork<unknown>): Promise<Outcome<unknown>> {
  try {
    const { answer, keep } = await work.apply(em, ledger);
    if (keep) await keepAnswer(em, work.key, keep);
    return { value: answer };
  } catch (error) {
    if (!(error instanceof CallerError)) throw error;
    await dropKey(em, work.key);
    return { error };
  }
}

/** What is replayed may have been posted a moment ago, in this very transaction. */
async function replayOne(em: EntityManager, ledger: Ledger, work: WalletWork<unknown>): Promise<Outcome<unknown>> {
  await ledger.write();
  const kept = await readKept(em, work.key);
  return { value: kept === 'CONFLICT' ? refuse('IDEMPOTENCY_CONFLICT') : await work.replay(em, kept) };
}
