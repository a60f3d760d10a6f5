import type { EntityManager } from '@mikro-orm/core';
import { CallerError, type Refusal, refuse } from '../api/problems.ts';
import type { Outcome } from '../platform/batch-by-key.ts';
import { isUnavailable } from '../platform/faults.ts';
import { type Claim, dropKey, type KeptAnswer, keepAnswer, readKept } from './idempotency.ts';

/** What pieces of work in one transaction have gathered, to be written in few statements. */
export interface Gathered {
  /** Writes what is not written yet. */
  write(): Promise<void>;
}

/** One verb under one idempotency key, that may share its transaction with others. */
export interface KeyedWork<G extends Gathered, T> extends Claim {
  /** Whether nobody waits for the answer any more: then the work is not begun. */
  readonly isOver: () => boolean;
  /**
   * Does the work. What it throws as a CallerError it must throw before it writes or gathers.
   * @returns the answer, and what to keep of it where it is not what was presumed
   */
  readonly apply: (em: EntityManager, gathered: G) => Promise<{ answer: T; keep?: KeptAnswer }>;
  /** The answer that was kept, with the things it names as they are now. */
  readonly replay: (em: EntityManager, kept: KeptAnswer) => Promise<T>;
}

/**
 * Does pieces of work in one transaction. When that fails through the fault of one of them, each gets a transaction of
 * its own, so that the others do not suffer for it.
 * @param together does those it is given in a new transaction, and answers an outcome for each
 * @returns an outcome for each; SERVICE_UNAVAILABLE, with nothing done, for whom nobody waits any more
 */
export async function doTogether<W extends { readonly isOver: () => boolean }>(
  works: readonly W[],
  together: (works: readonly W[]) => Promise<Outcome<unknown>[]>,
): Promise<Outcome<unknown>[]> {
  const wanted = works.filter((work) => !work.isOver());
  const outcomes = wanted.length > 0 ? await togetherOrAlone(wanted, together) : [];
  const byWork = new Map(wanted.map((work, index) => [work, outcomes[index]]));
  return works.map((work) => byWork.get(work) ?? { error: new CallerError('SERVICE_UNAVAILABLE') });
}

async function togetherOrAlone<W>(
  works: readonly W[],
  together: (works: readonly W[]) => Promise<Outcome<unknown>[]>,
): Promise<Outcome<unknown>[]> {
  try {
    return await together(works);
  } catch (error) {
    if (works.length === 1 || isUnavailable(error)) throw error;
    const outcomes: Outcome<unknown>[] = [];
    for (const work of works) {
      outcomes.push(...(await together([work]).catch((fault: unknown) => [{ error: fault }])));
    }
    return outcomes;
  }
}

/**
 * Applies pieces of work one after another in `em`'s transaction, which has claimed their keys and taken their locks,
 * and writes what they gather.
 * @param fresh for each whether its key was new
 */
export async function applyInTurn<G extends Gathered>(
  em: EntityManager,
  works: readonly KeyedWork<G, unknown>[],
  fresh: readonly boolean[],
  gathered: G,
): Promise<Outcome<unknown>[]> {
  const outcomes: Outcome<unknown>[] = [];
  for (const [index, work] of works.entries()) {
    outcomes.push(fresh[index] ? await applyOne(em, gathered, work) : await replayOne(em, gathered, work));
  }
  await gathered.write();
  return outcomes;
}

async function applyOne<G extends Gathered>(
  em: EntityManager,
  gathered: G,
  work: KeyedWork<G, unknown>,
): Promise<Outcome<unknown>> {
  try {
    const { answer, keep } = await work.apply(em, gathered);
    if (keep) await keepAnswer(em, work.key, keep);
    return { value: answer };
  } catch (error) {
    if (!(error instanceof CallerError)) throw error;
    await dropKey(em, work.key);
    return { error };
  }
}

/** What is replayed may have been gathered a moment ago, in this very transaction. */
async function replayOne<G extends Gathered>(
  em: EntityManager,
  gathered: G,
  work: KeyedWork<G, unknown>,
): Promise<Outcome<unknown>> {
  await gathered.write();
  const kept = await readKept(em, work.key);
  const value: unknown | Refusal = kept === 'CONFLICT' ? refuse('IDEMPOTENCY_CONFLICT') : await work.replay(em, kept);
  return { value };
}
