import { createHash } from 'node:crypto';
import { Field, ID, ObjectType } from 'type-graphql';
import type { Context } from '../../api/context.ts';
import { idOf, within } from '../../api/input.ts';
import { loadScript, runScript } from '../../platform/lua.ts';
import { sql } from '../../platform/postgres.ts';
import { queueKey } from '../line/line.ts';
import { IDS_PER_PART } from './keep-draw.ts';

const COUNT_WAITING = loadScript(import.meta.url, 'count-waiting');

@ObjectType({
  description: `How a SCHEDULED queue was put in order, so that anybody can recompute it. An entrant's public id is the lower-case hex SHA-256 of the token
value. digest = SHA-256 of all entrants' public ids of all lanes, ascending, joined by "\\n". key = SHA-256(seed bytes + digest bytes).
Each lane is sorted by HMAC-SHA-256(key, public id as ASCII), ascending as hex`,
})
export class QueueShuffle {
  @Field(() => ID)
  queueId!: string;

  @Field(() => String, { description: 'Hex SHA-256 of the seed, published before the queue opens' })
  commitment!: string;

  @Field(() => String, { nullable: true, description: 'Hex seed; null until the queue has opened' })
  seed!: string | null;

  /** How many were drawn; null until the queue has opened. */
  drawn!: number | null;
}

/** How the queue is, or was, put in order; null for an unknown queue and for one that never was SCHEDULED. */
export async function readShuffle(context: Context, id: string): Promise<QueueShuffle | null> {
  const queueId = idOf('queueId', id);
  const [row] = await sql<{ seed: Buffer; entrants: number | null }>(
    context.em,
    'select seed, entrants from queue_shuffle where queue_id = $1',
    [queueId],
  );
  if (!row) return null;
  const commitment = createHash('sha256').update(row.seed).digest('hex');
  const seed = row.entrants === null ? null : row.seed.toString('hex');
  return Object.assign(new QueueShuffle(), { ...{ queueId, commitment, seed }, drawn: row.entrants });
}

/** How many were drawn; before the opening how many wait to be. */
export async function countEntrants({ platform }: Context, { queueId, drawn }: QueueShuffle): Promise<number> {
  return drawn ?? (await runScript<number>(platform.redis, COUNT_WAITING, queueKey(queueId)));
}

/** Ids told in one answer. */
const MAX_IDS = 10_000;
const ID_BYTES = 32;

/**
 * Part of the order drawn for one lane; empty until the queue has opened.
 * @param first 1 .. 10,000 ids, @param offset how many are left out before them
 * @throws CallerError BAD_USER_INPUT for numbers out of their bounds
 */
export async function readOrder(
  context: Context,
  { queueId, seed }: QueueShuffle,
  { priority, first, offset }: { priority: number; first: number; offset: number },
): Promise<string[]> {
  within('priority', priority, 0, 9);
  within('first', first, 1, MAX_IDS);
  within('offset', offset, 0, 2 ** 31 - 1);
  if (seed === null) return [];
  const firstPart = Math.floor(offset / IDS_PER_PART);
  const parts = await sql<{ public_ids: Buffer }>(
    context.em,
    `select public_ids from queue_shuffle_part where queue_id = $1 and priority = $2 and part between $3 and $4
     order by part`,
    [queueId, priority, firstPart, Math.floor((offset + first - 1) / IDS_PER_PART)],
  );
  const bytes = Buffer.concat(parts.map(({ public_ids }) => public_ids));
  const from = (offset - firstPart * IDS_PER_PART) * ID_BYTES;
  const ids: string[] = [];
  for (let at = from; at < bytes.length && ids.length < first; at += ID_BYTES) {
    ids.push(bytes.toString('hex', at, at + ID_BYTES));
  }
  return ids;
}
