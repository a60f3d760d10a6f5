import { LRUCache } from 'lru-cache';
import { notFound } from '../api/problems.ts';
import { forkOf, type Platform, perProcess } from '../platform/platform.ts';
import { sql } from '../platform/postgres.ts';

/** Facts of a show that never change. */
export interface ShowFacts {
  readonly id: string;
  readonly concertId: string;
  readonly queueId: string | null;
}

/** Shows that a process keeps in memory, and the same number of concerts. */
const MAX_KEPT = 10_000;

const shows = perProcess(() => new LRUCache<string, ShowFacts>({ max: MAX_KEPT }));
const concerts = perProcess(() => new LRUCache<string, Pick<ShowFacts, 'queueId'>>({ max: MAX_KEPT }));

/** The facts of a show, from memory or PostgreSQL. @throws CallerError NOT_FOUND for an unknown show */
export async function findShow(platform: Platform, showId: string): Promise<ShowFacts> {
  const known = shows(platform).get(showId);
  if (known) return known;
  const text = `select s.id, s.concert_id as "concertId", c.queue_id as "queueId"
    from show s join concert c on c.id = s.concert_id where s.id = $1`;
  const [facts] = await sql<ShowFacts>(forkOf(platform), text, [showId]);
  if (!facts) throw notFound('show');
  shows(platform).set(showId, facts);
  return facts;
}

/** Id of the queue in front of the concert, or null. @throws CallerError NOT_FOUND for an unknown concert */
export async function findConcertQueue(platform: Platform, concertId: string): Promise<string | null> {
  const known = concerts(platform).get(concertId);
  if (known) return known.queueId;
  const text = 'select queue_id as "queueId" from concert where id = $1';
  const [facts] = await sql<Pick<ShowFacts, 'queueId'>>(forkOf(platform), text, [concertId]);
  if (!facts) throw notFound('concert');
  concerts(platform).set(concertId, facts);
  return facts.queueId;
}
