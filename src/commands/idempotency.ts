import { createHash } from 'node:crypto';
import type { EntityManager } from '@mikro-orm/core';
import { prepared, sql } from '../platform/postgres.ts';

/** A client's promise that its requests with this key ask for one effect, however often it sends them. */
export interface IdempotencyKey {
  readonly userId: string;
  readonly mutation: string;
  readonly key: string;
  /** The coerced input without the key. */
  readonly input: object;
}

/** The kept form of an answer: its type and id, or, for a refusal, its type and fields. */
export interface KeptAnswer {
  readonly type: string;
  readonly id?: string;
  readonly fields?: object;
}

/** A key to claim, and the answer that is kept for it unless `keepAnswers` follows in the same transaction. */
export interface Claim {
  readonly key: IdempotencyKey;
  readonly presumed: KeptAnswer;
}

/**
 * Result of a claim: FRESH, the command is decided now; CONFLICT, the key came before with other input; BUSY, another
 * transaction has the key; or the answer that was kept under the key.
 */
export type Claimed = 'FRESH' | 'CONFLICT' | 'BUSY' | KeptAnswer;

interface Row {
  readonly isMine: boolean;
  readonly isFresh: boolean;
  readonly hash: string | null;
  readonly answer: KeptAnswer | null;
}

/**
 * Claims keys within `em`'s transaction, before any other lock is taken. Never waits: the transaction that claims a key
 * has the key's advisory lock until it ends, and a claim of another transaction answers BUSY meanwhile.
 * @param claims with keys that are all different
 * @returns the result of each claim, in the order of `claims`
 */
export async function claimKeys(em: EntityManager, claims: readonly Claim[]): Promise<Claimed[]> {
  const hashes = claims.map(({ key }) => hashOfInput(key.input));
  const rows = await sql<Row>(
    em,
    prepared(`with asked as materialized (
       select u.*, pg_try_advisory_xact_lock(hashtextextended('key:' || user_id || mutation || key, 0)) as is_mine
       from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::jsonb[])
         with ordinality as u (user_id, mutation, key, hash, answer, place)
     ), claimed as (
       insert into idempotency_key (user_id, mutation, key, hash, answer)
       select user_id, mutation, key, hash, answer from asked where is_mine order by user_id, mutation, key
       on conflict do nothing returning user_id, mutation, key
     )
     select a.is_mine as "isMine", c.key is not null as "isFresh", k.hash, k.answer
     from asked a left join claimed c using (user_id, mutation, key) left join idempotency_key k using (user_id, mutation, key)
     order by a.place`),
    [
      claims.map(({ key }) => key.userId),
      claims.map(({ key }) => key.mutation),
      claims.map(({ key }) => key.key),
      hashes,
      claims.map(({ presumed }) => JSON.stringify(presumed)),
    ],
  );
  return rows.map(({ isMine, isFresh, hash, answer }, index) => {
    if (isFresh) return 'FRESH';
    // Neither inserted nor seen: another transaction has committed it since this statement began.
    if (!isMine || answer === null) return 'BUSY';
    return hash === hashes[index] ? answer : 'CONFLICT';
  });
}

/** Keeps the answers of claimed keys that differ from the presumed ones. */
export async function keepAnswers(
  em: EntityManager,
  answers: readonly { readonly key: IdempotencyKey; readonly answer: KeptAnswer }[],
): Promise<void> {
  await sql(
    em,
    prepared(`update idempotency_key k set answer = u.answer
     from unnest($1::uuid[], $2::text[], $3::text[], $4::jsonb[]) as u (user_id, mutation, key, answer)
     where k.user_id = u.user_id and k.mutation = u.mutation and k.key = u.key`),
    [...columnsOf(answers.map(({ key }) => key)), answers.map(({ answer }) => JSON.stringify(answer))],
  );
}

/** Frees keys that were claimed in this transaction and have no answer to keep: they may be used again. */
export async function dropKeys(em: EntityManager, keys: readonly IdempotencyKey[]): Promise<void> {
  await sql(
    em,
    prepared(`delete from idempotency_key k using unnest($1::uuid[], $2::text[], $3::text[]) as u (user_id, mutation, key)
     where k.user_id = u.user_id and k.mutation = u.mutation and k.key = u.key`),
    columnsOf(keys),
  );
}

/** The name of a key, the same for every input that it comes with. */
export function nameOfKey({ userId, mutation, key }: IdempotencyKey): string {
  return `${userId} ${mutation} ${key}`;
}

function columnsOf(keys: readonly IdempotencyKey[]): string[][] {
  return [keys.map(({ userId }) => userId), keys.map(({ mutation }) => mutation), keys.map(({ key }) => key)];
}

function hashOfInput(input: object): string {
  const sorted = Object.entries(input)
    .filter(([, value]) => value !== undefined && value !== null)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex');
}
