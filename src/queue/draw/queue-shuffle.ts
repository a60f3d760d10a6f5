import { createHash } from 'node:crypto';
import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, ID, ObjectType } from 'type-graphql';
import { Cacheable } from '../../api/cacheable.ts';
import type { Context } from '../../api/context.ts';
import { idOf, within } from '../../api/input.ts';
import { loadScript, runScript } from '../../platform/lua.ts';
import { queueKey } from '../line/line.ts';

/** How a SCHEDULED queue is, or was, put in order; made with the queue. */
@ObjectType({
  description: `How a SCHEDULED queue was put in order, so that anybody can recompute it. An entrant's public id is the lower-case hex SHA-256 of the token
value. digest = SHA-256 of all entrants' public ids of all lanes, ascending, joined by "\\n". key = SHA-256(seed bytes + digest bytes).
Each lane is sorted by HMAC-SHA-256(key, public id as ASCII), ascending as hex`,
})
@Entity({ tableName: 'queue_shuffle' })
export class QueueShuffle {
  @Cacheable()
  @Field(() => ID, { description: 'Id of the queue' })
  @PrimaryKey({ type: 'uuid' })
  queueId!: string;

  /** 32 random bytes, secret until the draw has been kept. */
  @Property({ type: 'blob', fieldName: 'seed' })
  secretSeed!: Buffer;

  /** How many were drawn; null until the queue has opened. */
  @Property({ type: 'integer', fieldName: 'entrants', nullable: true })
  drawn!: number | null;

  @Property({ type: 'datetime', columnType: 'timestamptz', nullable: true })
  drawnAt!: Date | null;

  @Cacheable()
  @Field(() => String, { description: 'SHA-256 of the seed in hex, published before the queue opens' })
  get commitment(): string {
    return createHash('sha256').update(this.secretSeed).digest('hex');
  }

  @Cacheable()
  @Field(() => String, { nullable: true, description: 'The seed in hex; null until the queue has opened' })
  get seed(): string | null {
    return this.drawn === null ? null : this.secretSeed.toString('hex');
  }
}

/** Public ids in one part; each is 32 bytes. */
export const IDS_PER_PART = 1_000;
const ID_BYTES = 32;

/** A part of the order drawn for one lane. */
@Entity({ tableName: 'queue_shuffle_part' })
export class QueueShufflePart {
  @PrimaryKey({ type: 'uuid' })
  queueId!: string;

  /** The lane. */
  @PrimaryKey({ type: 'integer' })
  priority!: number;

  /** Counts from 0. */
  @PrimaryKey({ type: 'integer' })
  part!: number;

  @Property({ type: 'blob' })
  publicIds!: Buffer;
}

/** How the queue is, or was, put in order; null for an unknown queue and for one that never was SCHEDULED. */
export async function readShuffle(context: Context, id: string): Promise<QueueShuffle | null> {
  const shuffle = await context.em.findOne(QueueShuffle, { queueId: idOf('queueId', id) });
  // Only what was drawn stays as it is.
  if (shuffle?.drawn === null || !shuffle) context.notes.noteMomentary();
  return shuffle;
}

const COUNT_WAITING = loadScript(import.meta.url, 'count-waiting');

/** How many were drawn; before the opening, how many wait to be drawn. */
export async function countEntrants({ platform }: Context, { queueId, drawn }: QueueShuffle): Promise<number> {
  return drawn ?? (await runScript<number>(platform.redis, COUNT_WAITING, queueKey(queueId)));
}

/** Public ids in one answer. */
const MAX_IDS = 10_000;

/**
 * A section of the order drawn for one lane.
 * @param first how many public ids, 1 .. 10,000
 * @param offset how many are left out before them
 * @returns public ids; none until the queue has opened
 * @throws CallerError BAD_USER_INPUT for numbers out of their bounds
 */
export async function readOrder(
  context: Context,
  { queueId, drawn }: QueueShuffle,
  { priority, first, offset }: { priority: number; first: number; offset: number },
): Promise<string[]> {
  within('priority', priority, 0, 9);
  within('first', first, 1, MAX_IDS);
  within('offset', offset, 0, 2 ** 31 - 1);
  if (drawn === null) return [];
  const firstPart = Math.floor(offset / IDS_PER_PART);
  const lastPart = Math.floor((offset + first - 1) / IDS_PER_PART);
  const parts = await context.em.find(
    QueueShufflePart,
    { queueId, priority, part: { $gte: firstPart, $lte: lastPart } },
    { orderBy: { part: 'asc' }, disableIdentityMap: true },
  );
  const from = offset - firstPart * IDS_PER_PART;
  return idsOf(parts).slice(from, from + first);
}

/** The public ids of parts, in lower-case hex. */
export function idsOf(parts: readonly QueueShufflePart[]): string[] {
  const bytes = Buffer.concat(parts.map(({ publicIds }) => publicIds));
  const ids: string[] = [];
  for (let at = 0; at < bytes.length; at += ID_BYTES) ids.push(bytes.toString('hex', at, at + ID_BYTES));
  return ids;
}
