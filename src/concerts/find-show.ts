import { LRUCache } from 'lru-cache';
import { notFound } from '../api/problems.ts';
import { isUnavailable } from '../platform/faults.ts';
import { forkOf, type Platform, perProcess } from '../platform/platform.ts';
import { sql } from '../platform/postgres.ts';
import { SECOND } from '../platform/units.ts';

/** What access to a concert depends on. */
export interface ConcertFacts {
  /** Never changes. */
  readonly queueId: string | null;
  /** At most a second old; older while PostgreSQL is unreachable. */
  readonly isWithdrawn: boolean;
}

/** What access to a show depends on: the facts of its concert. */
export interface ShowFacts extends ConcertFacts {
  readonly id: string;
  readonly concertId: string;
}

/** Shows that a process keeps in memory, and the same number of concerts; and milliseconds after which it reads anew. */
const MAX_KEPT = 10_000;
const FRESH_MS = SECOND;

const shows = perProcess((platform) =>
  keep<ShowFacts>(
    platform,
    `select s.id, s.concert_id as "concertId", c.queue_id as "queueId", c.withdrawn_at is not null as "isWithdrawn"
     from show s join concert c on c.id = s.concert_id where s.id = $1`,
  ),
);
const concerts = perProcess((platform) =>
  keep<ConcertFacts>(
    platform,
    `select queue_id as "queueId", withdrawn_at is not null as "isWithdrawn" from concert where id = $1`,
  ),
);

/** The facts of a show, from memory or PostgreSQL. @throws CallerError NOT_FOUND for an unknown show */
export async function findShow(platform: Platform, showId: string): Promise<ShowFacts> {
  const kept = shows(platform);
  const facts = kept.get(showId) ?? (await kept.fetch(showId));
  if (!facts) throw notFound('show');
  return facts;
}

/** The facts of a concert, from memory or PostgreSQL. @throws CallerError NOT_FOUND for an unknown concert */
export async function findConcert(platform: Platform, concertId: string): Promise<ConcertFacts> {
  const kept = concerts(platform);
  const facts = kept.get(concertId) ?? (await kept.fetch(concertId));
  if (!facts) throw notFound('concert');
  return facts;
}

/**
 * Keeps rows by id. Requests at the same time share one query; while PostgreSQL is unreachable what was read before is
 * answered.
 */
function keep<Facts extends object>(platform: Platform, text: string): LRUCache<string, Facts> {
  return new LRUCache<string, Facts>({
    max: MAX_KEPT,
    ttl: FRESH_MS,
    noDeleteOnStaleGet: true,
    ignoreFetchAbort: true,
    fetchMethod: async (id, stale) => {
      try {
        return (await sql<Facts>(forkOf(platform), text, [id]))[0];
      } catch (error) {
        if (stale && isUnavailable(error)) return stale;
        throw error;
      }
    },
  });
}
