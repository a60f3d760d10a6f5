import { LRUCache } from 'lru-cache';
import { Field, ID, Int, ObjectType } from 'type-graphql';
import { Cacheable } from '../api/cacheable.ts';
import { notFound } from '../api/problems.ts';
import { DateTime } from '../api/scalars.ts';
import { forkOf, type Platform, perProcess } from '../platform/platform.ts';
import { sql } from '../platform/postgres.ts';
import { polledTopic, type Topic } from '../platform/topics.ts';
import { SECOND } from '../platform/units.ts';
import type { QueueMessage } from '../queue/line/line.ts';
import { Queue, QueueState } from '../queue/queue.ts';
import { readCounts } from '../queue/replica/queue-watch.ts';

@ObjectType({ simpleResolvers: true, description: 'How many seats of one section of one show can be had' })
export class SeatsLeft {
  @Cacheable()
  @Field(() => ID, { description: 'Id of the show' })
  showId!: string;

  @Cacheable()
  @Field(() => String, { description: 'Name of the section; empty in a show without sections' })
  section!: string;

  @Cacheable()
  @Field(() => Int, { description: 'Seats that nobody holds or has bought' })
  left!: number;
}

@ObjectType({
  simpleResolvers: true,
  description: 'What anybody may know of a queue whose operator shows it (`Queue.board`); a second old at most',
})
export class QueueBoard {
  @Cacheable()
  @Field(() => ID, { description: 'Id of the queue' })
  queueId!: string;

  @Cacheable()
  @Field(() => QueueState, { description: 'What the queue does with those who enter it' })
  state!: QueueState;

  @Cacheable()
  @Field(() => DateTime, {
    nullable: true,
    description: 'When it opens, or opened: of a queue that was SCHEDULED; null for others',
  })
  opensAt!: Date | null;

  @Cacheable()
  @Field(() => Int, { description: 'People who are WAITING' })
  waiting!: number;

  @Cacheable()
  @Field(() => Int, { description: 'Admissions in the last 60 seconds' })
  admittedPerMinute!: number;

  @Cacheable()
  @Field(() => Int, {
    nullable: true,
    description: `Estimated seconds until somebody who enters now, without a priority code, is admitted; 0 where that is at once. In a
SCHEDULED queue the seconds to its opening. Null while unknown, and in a PAUSED or CLOSED queue`,
  })
  etaSeconds!: number | null;

  @Cacheable()
  @Field(() => [SeatsLeft], {
    description: `Of the shows behind the queue whose sale has not ended, the 20 that begin first: each section, in the order of the shows
and of their seats. Cancelled shows and withdrawn concerts are left out. Where counting takes long it is as of some seconds ago`,
  })
  seatsLeft!: SeatsLeft[];
}

/** Boards that a process keeps, and the milliseconds after which it makes one anew: it arrives less than a second old. */
const MAX_BOARDS = 1_000;
const FRESH_MS = 0.9 * SECOND;

const boards = perProcess(
  (platform) =>
    new LRUCache<string, QueueBoard>({
      max: MAX_BOARDS,
      ttl: FRESH_MS,
      ignoreFetchAbort: true,
      fetchMethod: (queueId) => makeBoard(platform, queueId),
    }),
);

/**
 * The board of a queue, which a process makes once a second however many ask.
 * @returns undefined for an unknown queue, and for one whose board is off
 */
export function readBoard(platform: Platform, queueId: string): Promise<QueueBoard | undefined> {
  return boards(platform).fetch(queueId);
}

async function makeBoard(platform: Platform, queueId: string): Promise<QueueBoard | undefined> {
  const queue = await forkOf(platform).findOne(Queue, { id: queueId });
  if (!queue?.board) return undefined;
  const [message, seatsLeft] = await Promise.all([readCounts(platform, queueId), readSeatsLeft(platform, queueId)]);
  const { state, opensAt } = queue;
  const { waiting, admittedPerMinute } = message;
  const etaSeconds = etaOf(queue, message);
  return Object.assign(new QueueBoard(), {
    ...{ queueId, state, opensAt, waiting, admittedPerMinute, etaSeconds, seatsLeft },
  });
}

/** Estimated seconds to admission of who enters after those who wait; null while unknown. */
function etaOf({ state, capacity, admitPerMinute }: Queue, message: QueueMessage): number | null {
  const { at, openAt, waiting, active, admittedPerMinute, msPerPlace } = message;
  if (state === 'SCHEDULED' && openAt > 0) return Math.ceil(Math.max(0, openAt - at) / SECOND);
  if (state !== 'OPEN') return null;
  if (msPerPlace > 0) return Math.ceil(((waiting + 1) * msPerPlace) / SECOND);
  const hasRoom = active < capacity && (admitPerMinute === null || admittedPerMinute < admitPerMinute);
  return waiting === 0 && hasRoom ? 0 : null;
}

/** Shows of one board. */
const MAX_SHOWS = 20;

/** What a count takes of the time, at most: one that takes long is repeated less often. */
const MAX_SHARE = 1 / 20;

interface Counted {
  readonly seats: SeatsLeft[];
  /** By `performance.now()`. */
  readonly goodUntil: number;
}

/** By queue. */
const counts = perProcess(() => new LRUCache<string, Counted>({ max: MAX_BOARDS }));

/** The seats left by section; of large halls as of some seconds ago. */
async function readSeatsLeft(platform: Platform, queueId: string): Promise<SeatsLeft[]> {
  const known = counts(platform).get(queueId);
  const began = performance.now();
  if (known && began < known.goodUntil) return known.seats;
  const rows = await sql<SeatsLeft>(
    forkOf(platform),
    `with clock as materialized (select clock_timestamp() as now), sold as materialized (
       select sh.id, sh.starts_at from concert c join show sh on sh.concert_id = c.id, clock
       where c.queue_id = $1 and c.withdrawn_at is null and sh.cancelled_at is null and sh.sales_close_at > now
       order by sh.starts_at, sh.id limit $2)
     select sh.id as "showId", s.section, count(*) filter (where h.seat_id is null and t.seat_id is null)::int as "left"
     from clock cross join sold sh join seat s on s.show_id = sh.id
       left join hold h on h.seat_id = s.id and h.show_id = sh.id and h.expires_at > now
       left join ticket t on t.seat_id = s.id and t.show_id = sh.id
     group by sh.starts_at, sh.id, s.section order by sh.starts_at, sh.id, min(s.number)`,
    [queueId, MAX_SHOWS],
  );
  const seats = rows.map((row) => Object.assign(new SeatsLeft(), row));
  const now = performance.now();
  counts(platform).set(queueId, { seats, goodUntil: now + (now - began) / MAX_SHARE });
  return seats;
}

/** The board of a queue, by its id: at once, then at most once a second; ends with NOT_FOUND when it is switched off. */
export const QUEUE_BOARD: Topic<QueueBoard> = polledTopic({
  name: 'queueBoard',
  check: findBoard,
  read: findBoard,
  contentOf: ({ etaSeconds, ...board }) =>
    // Before the opening the seconds go by, and `opensAt` says so.
    JSON.stringify([board, board.state === 'SCHEDULED' ? null : etaSeconds]),
});

/** @throws CallerError NOT_FOUND for an unknown queue, and for one whose board is off */
async function findBoard(platform: Platform, queueId: string): Promise<QueueBoard> {
  const board = await readBoard(platform, queueId);
  if (!board) throw notFound('queue board');
  return board;
}
