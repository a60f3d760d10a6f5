import { Field, Int, ObjectType } from 'type-graphql';
import type { Context } from '../api/context.ts';
import { idOf, within } from '../api/input.ts';
import { notFound } from '../api/problems.ts';
import { DateTime } from '../api/scalars.ts';
import { sqlRow } from '../platform/postgres.ts';
import { MINUTE, SECOND } from '../platform/units.ts';
import { MAX_POINTS, widthOf } from '../platform/widths.ts';
import { Queue } from './queue.ts';
import { LAST_KEPT, type QueueRow, readMinutes, readRows, readUnkept, readWide } from './queue-minutes.ts';

@ObjectType({ description: "One row of a queue's past" })
export class QueueHistoryPoint {
  @Field(() => DateTime, { description: 'When the time of the row begins' })
  at!: Date;

  @Field(() => Int, {
    description: 'How long the time of the row is, in seconds: 5, or whole minutes in a past of more than a day',
  })
  seconds!: number;

  @Field(() => Int, { description: 'People who were WAITING' })
  waiting!: number;

  @Field(() => Int, { description: 'People who were ACTIVE' })
  active!: number;

  @Field(() => Int, { description: 'New places in this time' })
  entered!: number;

  @Field(() => Int, { description: 'Places that became ACTIVE in this time' })
  admitted!: number;

  @Field(() => Int, { description: 'Places that became COMPLETED in this time' })
  completed!: number;

  @Field(() => Int, { description: 'Places that became EXPIRED in this time' })
  expired!: number;

  @Field(() => Int, {
    nullable: true,
    description:
      'Median wait of those admitted in this time, in seconds; null when nobody was admitted. In rows of minutes it is the median of the medians of 5 seconds',
  })
  medianWaitSeconds!: number | null;
}

/** The longest past that is told, in minutes: 30 days. */
export const MAX_MINUTES = 43_200;
/** How long Redis keeps rows of 5 seconds, in minutes: a day. */
const FINE_MINUTES = 1_440;
const ROW_SECONDS = 5;

/**
 * The queue's past of the last `minutes`, oldest first, at most 720 rows. Up to a day these are rows of 5 seconds, thinned
 * evenly, and the newest is kept; where Redis has lost them, rows of a minute. Of more than a day they are wider, and sum
 * up what happened in them. A queue has no rows for times when it was empty.
 * @throws CallerError NOT_FOUND for an unknown queue; BAD_USER_INPUT unless minutes is 1 .. 43,200
 */
export async function readHistory(context: Context, id: string, minutes: number): Promise<QueueHistoryPoint[]> {
  const queueId = idOf('queueId', id);
  within('minutes', minutes, 1, MAX_MINUTES);
  if (!(await context.em.findOne(Queue, { id: queueId }))) throw notFound('queue');
  return minutes <= FINE_MINUTES ? readFine(context, queueId, minutes) : readCoarse(context, queueId, minutes);
}

async function readFine({ platform, em }: Context, queueId: string, minutes: number): Promise<QueueHistoryPoint[]> {
  const rows = await readRows(platform, queueId, minutes * MINUTE);
  const to = rows[0] ? rows[0].at - (rows[0].at % MINUTE) : Number.MAX_SAFE_INTEGER;
  const older = await readMinutes(em, queueId, { from: Date.now() - minutes * MINUTE, to });
  const all = [...older.map((row) => toPoint(row, MINUTE / SECOND)), ...rows.map((row) => toPoint(row, ROW_SECONDS))];
  const step = Math.ceil(all.length / MAX_POINTS);
  return all.filter((_point, index) => (all.length - 1 - index) % step === 0);
}

async function readCoarse({ platform, em }: Context, queueId: string, minutes: number): Promise<QueueHistoryPoint[]> {
  const widthMinutes = widthOf(minutes);
  const width = widthMinutes * MINUTE;
  const now = Date.now();
  const from = now - (now % width) - (Math.ceil(minutes / widthMinutes) - 1) * width;
  const { kept } = await sqlRow<{ kept: Date | null }>(em, `select ${LAST_KEPT} as kept from queue q where q.id = $1`, [
    queueId,
  ]);
  const newer = await readUnkept(platform, queueId, kept);
  const rows = await readWide(em, queueId, { from, widthMinutes, newer });
  return rows.map((row) => toPoint(row, width / SECOND));
}

function toPoint({ at, medianWait, ...counts }: QueueRow, seconds: number): QueueHistoryPoint {
  return Object.assign(new QueueHistoryPoint(), counts, { at: new Date(at), seconds, medianWaitSeconds: medianWait });
}
