import { Field, Int, ObjectType } from 'type-graphql';
import type { Context } from '../api/context.ts';
import { idOf, within } from '../api/input.ts';
import { notFound } from '../api/problems.ts';
import { DateTime } from '../api/scalars.ts';
import { loadScript, runScript } from '../platform/lua.ts';
import { SECOND } from '../platform/units.ts';
import { queueKey } from './line/line.ts';
import { Queue } from './queue.ts';

@ObjectType({ description: "One row of a queue's past, 5 seconds wide" })
export class QueueHistoryPoint {
  @Field(() => DateTime)
  at!: Date;

  @Field(() => Int)
  waiting!: number;

  @Field(() => Int)
  active!: number;

  @Field(() => Int)
  entered!: number;

  @Field(() => Int)
  admitted!: number;

  @Field(() => Int)
  completed!: number;

  @Field(() => Int)
  expired!: number;

  @Field(() => Int, {
    nullable: true,
    description: 'Of those admitted in these 5 seconds; null when nobody was',
  })
  medianWaitSeconds!: number | null;
}

const HISTORY = loadScript(import.meta.url, 'line/history');

/** Rows in one answer. */
const MAX_ROWS = 720;

/**
 * The queue's past: rows of 5 seconds of the last `minutes`, oldest first. More than 720 rows are thinned evenly, and
 * the newest is kept. A queue has no rows for times when it was empty.
 * @throws CallerError NOT_FOUND for an unknown queue; BAD_USER_INPUT unless minutes is 1 .. 1440
 */
export async function readHistory(context: Context, id: string, minutes: number): Promise<QueueHistoryPoint[]> {
  const queueId = idOf('queueId', id);
  within('minutes', minutes, 1, 1_440);
  if (!(await context.em.findOne(Queue, { id: queueId }))) throw notFound('queue');
  const rows = await runScript<string[]>(context.platform.redis, HISTORY, queueKey(queueId), [minutes * 60 * SECOND]);
  const step = Math.ceil(rows.length / MAX_ROWS);
  return rows.filter((_row, index) => (rows.length - 1 - index) % step === 0).map(toPoint);
}

function toPoint(row: string): QueueHistoryPoint {
  const [at, waiting, active, entered, admitted, completed, expired, median] = JSON.parse(row) as number[];
  return Object.assign(new QueueHistoryPoint(), {
    at: new Date(at ?? 0),
    ...{ waiting, active, entered, admitted, completed, expired },
    medianWaitSeconds: median === -1 ? null : median,
  });
}
