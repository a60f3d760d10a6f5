import type { EntityManager } from '@mikro-orm/core';
import { lockPayables, type PayableLock } from '../lock-order.ts';
import { BatchByKey, type Outcome } from '../platform/batch-by-key.ts';
import { isUnavailable } from '../platform/faults.ts';
import { type Claim, claimKeys, dropKey, type KeptAnswer, keepAnswer, readKept } from '../platform/idempotency.ts';
import { forkOf, type Platform, perProcess } from '../platform/platform.ts';
import { transact } from '../platform/transact.ts';
import { SECOND } from '../platform/units.ts';
import { CallerError, type Refusal, refuse } from '../problems.ts';
import { Ledger, MOST_OPTIMISTIC } from './post-entry.ts';

/** One verb that moves money of one wallet, under one idempotency key. */
export interface WalletWork<T> extends Claim {
  /** What must be locked before anything is looked at. */
  readonly payable?: PayableLock;
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

/** For so long after losing its races to another process, work on a wallet takes the row's lock at once. */
const CONTESTED_MS = 2 * SECOND;
const MOST_REMEMBERED = 10_000;

const contested = perProcess(() => new Map<string, number>());
const batches = perProcess(
  (platform) =>
    new BatchByKey<WalletWork<unknown>, unknown>(MOST_AT_ONCE, (userId, works) => applyWanted(platform, userId, works)),
);

/**
 * Does work on a wallet: what waits for the same wallet in this process goes into one transaction, in the order of
 * asking, before a connection is taken; when another process was first, all of it is done again from the start.
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
  const until = contested(platform);
  const before = Date.now() < (until.get(userId) ?? 0) ? MOST_OPTIMISTIC : 0;
  if (until.size > MOST_REMEMBERED) until.clear();
  return transact(forkOf(platform), async (em, lost) => {
    if (lost >= MOST_OPTIMISTIC) until.set(userId, Date.now() + CONTESTED_MS);
    const fresh = await claimKeys(em, works);
    await lockPayables(
      em,
      works.flatMap(({ payable }, index) => (payable && fresh[index] ? [payable] : [])),
    );
    const ledger = await Ledger.open(em, userId, before + lost);
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
