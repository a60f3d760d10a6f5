import { notFound } from '../api/problems.ts';
import { forkOf, type Platform, perProcess } from '../platform/platform.ts';
import { sql } from '../platform/postgres.ts';

/** Facts of a show that never change. */
export interface ShowFacts {
  readonly id: string;
  readonly concertId: string;
  readonly queueId: string | null;
}

/** Shows and concerts that one process remembers at most. */
const MOST_REMEMBERED = 10_000;

const shows = perProcess(() => new Map<string, ShowFacts>());
const concertQueues = perProcess(() => new Map<string, string | null>());

/** @throws CallerError NOT_FOUND for an unknown show */
export async function findShow(platform: Platform, showId: string): Promise<ShowFacts> {
  return remembered(shows(platform), showId, async () => {
    const text = `select s.id, s.concert_id as "concertId", c.queue_id as "queueId"
      from show s join concert c on c.id = s.concert_id where s.id = $1`;
    const [facts] = await sql<ShowFacts>(forkOf(platform), text, [showId]);
    if (!facts) throw notFound('show');
    return facts;
  });
}

/** Id of the queue in front of the concert, or null. @throws CallerError NOT_FOUND for an unknown concert */
export async function findConcertQueue(platform: Platform, concertId: string): Promise<string | null> {
  return remembered(concertQueues(platform), concertId, async () => {
    const text = 'select queue_id from concert where id = $1';
    const [row] = await sql<{ queue_id: string | null }>(forkOf(platform), text, [concertId]);
    if (!row) throw notFound('concert');
    return row.queue_id;
  });
}

async function remembered<T>(facts: Map<string, T>, id: string, find: () => Promise<T>): Promise<T> {
  const known = facts.get(id);
  if (known !== undefined) return known;
  const found = await find();
  if (facts.size >= MOST_REMEMBERED) facts.clear();
  facts.set(id, found);
  return found;
}
