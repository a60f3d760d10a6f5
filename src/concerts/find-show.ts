import { LRUCache } from 'lru-cache';
import { notFound } from '../api/problems.ts';
import { forkOf, type Platform, perProcess } from '../platform/platform.ts';
import { sql } from '../platform/postgres.ts';
import { SECOND } from '../platform/units.ts';

/** What access to a concert depends on. */
export interface ConcertFacts {
  /** Never changes. */
  readonly queueId: string | null;
  /** At most a second old. */
  readonly isWithdrawn: boolean;
}

/** What access to a show depends on: the facts of its concert. */
export interface ShowFacts extends ConcertFacts {
  readonly id: string;
  readonly concertId: string;
}

/** Shows that a process keeps in memory, and the same number of concerts; and milliseconds for which it keeps each. */
const MAX_KEPT = 10_000;
const KEPT_MS = SECOND;

type Kept<Facts> = LRUCache<string, Promise<Facts | undefined>>;

const shows = perProcess((): Kept<ShowFacts> => new LRUCache({ max: MAX_KEPT, ttl: KEPT_MS }));
const concerts = perProcess((): Kept<ConcertFacts> => new LRUCache({ max: MAX_KEPT, ttl: KEPT_MS }));

/** The facts of a show, from memory or PostgreSQL. @throws CallerError NOT_FOUND for an unknown show */
export async function findShow(platform: Platform, showId: string): Promise<ShowFacts> {
  const text = `select s.id, s.concert_id as "concertId", c.queue_id as "queueId",
      c.withdrawn_at is not null as "isWithdrawn"
    from show s join concert c on c.id = s.concert_id where s.id = $1`;
  const facts = await find(platform, shows(platform), showId, text);
  if (!facts) throw notFound('show');
  return facts;
}

/** The facts of a concert, from memory or PostgreSQL. @throws CallerError NOT_FOUND for an unknown concert */
export async function findConcert(platform: Platform, concertId: string): Promise<ConcertFacts> {
  const text = `select queue_id as "queueId", withdrawn_at is not null as "isWithdrawn" from concert where id = $1`;
  const facts = await find(platform, concerts(platform), concertId, text);
  if (!facts) throw notFound('concert');
  return facts;
}

/** Reads one row, or answers the one that is kept; requests at the same time share one query. */
function find<Facts>(platform: Platform, kept: Kept<Facts>, id: string, text: string): Promise<Facts | undefined> {
  const known = kept.get(id);
  if (known) return known;
  const reading = sql<Facts>(forkOf(platform), text, [id]).then(([facts]) => facts);
  kept.set(id, reading);
  const forget = (facts: Facts | undefined): void => void (facts || kept.delete(id));
  reading.then(forget, () => forget(undefined));
  return reading;
}
