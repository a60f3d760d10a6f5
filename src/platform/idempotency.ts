import { createHash } from 'node:crypto';
import type { EntityManager } from '@mikro-orm/core';
import { sql, sqlRow } from './postgres.ts';

/** One client's promise that it asks for one effect, however often it asks. */
export interface IdempotencyKey {
  readonly userId: string;
  readonly mutation: string;
  readonly key: string;
  /** The coerced input without the key. */
  readonly input: object;
}

/** What is kept of an answer: its type and id, or the fields of a refusal. */
export interface KeptAnswer {
  readonly type: string;
  readonly id?: string;
  readonly fields?: object;
}

/** The key was used before: with the same input, or with another one. */
export type Earlier = { readonly kept: KeptAnswer } | 'CONFLICT';

/**
 * Claims the key within `em`'s transaction, before anything else; a rival that claims it too waits for the commit.
 * @param presumed the answer that is kept unless `keepAnswer` follows in the same transaction
 * @returns undefined when the key is new
 */
export async function claimKey(
  em: EntityManager,
  key: IdempotencyKey,
  presumed: KeptAnswer,
): Promise<Earlier | undefined> {
  const hash = hashOfInput(key.input);
  const made = await sql(
    em,
    `insert into idempotency_key (user_id, mutation, key, hash, answer) values ($1, $2, $3, $4, $5::jsonb)
     on conflict do nothing returning key`,
    [key.userId, key.mutation, key.key, hash, JSON.stringify(presumed)],
  );
  if (made.length > 0) return undefined;
  const kept = await sqlRow<{ hash: string; answer: KeptAnswer }>(
    em,
    'select hash, answer from idempotency_key where user_id = $1 and mutation = $2 and key = $3',
    [key.userId, key.mutation, key.key],
  );
  return kept.hash === hash ? { kept: kept.answer } : 'CONFLICT';
}

/** Keeps what a claimed key was answered, where it is not what was presumed. */
export async function keepAnswer(em: EntityManager, key: IdempotencyKey, answer: KeptAnswer): Promise<void> {
  await sql(em, 'update idempotency_key set answer = $4::jsonb where user_id = $1 and mutation = $2 and key = $3', [
    key.userId,
    key.mutation,
    key.key,
    JSON.stringify(answer),
  ]);
}

function hashOfInput(input: object): string {
  const sorted = Object.entries(input)
    .filter(([, value]) => value !== undefined && value !== null)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex');
}
