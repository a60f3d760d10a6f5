import { createHash } from 'node:crypto';
import type { EntityManager } from '@mikro-orm/core';
import { prepared, sql, sqlRow } from '../platform/postgres.ts';

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

/** A key to claim, and the answer that is kept for it unless `keepAnswer` follows in the same transaction. */
export interface Claim {
  readonly key: IdempotencyKey;
  readonly presumed: KeptAnswer;
}

/**
 * Claims keys within `em`'s transaction, before anything else; a rival that claims one too waits for the commit. Of two equal keys in one call the first is claimed.
 * @returns for each claim whether it was new
 */
export async function claimKeys(em: EntityManager, claims: readonly Claim[]): Promise<boolean[]> {
  const rows = await sql<{ userId: string; mutation: string; key: string }>(
    em,
    prepared(`insert into idempotency_key (user_id, mutation, key, hash, answer)
     select u.user_id, u.mutation, u.key, u.hash, u.answer
     from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::jsonb[])
       with ordinality as u (user_id, mutation, key, hash, answer, place)
     order by u.user_id, u.mutation, u.key, u.place
     on conflict do nothing returning user_id as "userId", mutation, key`),
    [
      claims.map(({ key }) => key.userId),
      claims.map(({ key }) => key.mutation),
      claims.map(({ key }) => key.key),
      claims.map(({ key }) => hashOfInput(key.input)),
      claims.map(({ presumed }) => JSON.stringify(presumed)),
    ],
  );
  const fresh = new Set(rows.map(nameOf));
  return claims.map(({ key }) => fresh.delete(nameOf(key)));
}

function nameOf({ userId, mutation, key }: Pick<IdempotencyKey, 'userId' | 'mutation' | 'key'>): string {
  return `${userId} ${mutation} ${key}`;
}

/** What was kept for a key that was claimed before: CONFLICT when it came with other input. */
export async function readKept(em: EntityManager, key: IdempotencyKey): Promise<KeptAnswer | 'CONFLICT'> {
  const kept = await sqlRow<{ hash: string; answer: KeptAnswer }>(
    em,
    'select hash, answer from idempotency_key where user_id = $1 and mutation = $2 and key = $3',
    [key.userId, key.mutation, key.key],
  );
  return kept.hash === hashOfInput(key.input) ? kept.answer : 'CONFLICT';
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

/** Gives back a key that was claimed in this transaction: nothing came of it, and it may be asked again. */
export async function dropKey(em: EntityManager, key: IdempotencyKey): Promise<void> {
  const text = 'delete from idempotency_key where user_id = $1 and mutation = $2 and key = $3';
  await sql(em, text, [key.userId, key.mutation, key.key]);
}

function hashOfInput(input: object): string {
  const sorted = Object.entries(input)
    .filter(([, value]) => value !== undefined && value !== null)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex');
}
