import type { Caller } from '../api/context.ts';
import type { Job } from '../platform/jobs.ts';
import { forkOf, type Platform, perProcess } from '../platform/platform.ts';
import { sql } from '../platform/postgres.ts';
import type { Channel } from '../platform/pubsub.ts';
import { MINUTE, SECOND } from '../platform/units.ts';
import { TOKEN_MS } from './session.ts';

/*
 * A process asks no server whether a session is still good: it knows what has ended. It reads that from PostgreSQL when it
 * starts and every few seconds, and hears of it at once by a message, which may get lost. What ended is known for as long
 * as an access token that was made before may last.
 */

/** What has ended: a session or, where `version` is there, all sessions of the user that are of an earlier version. */
export interface Ending {
  readonly userId: string;
  readonly sessionId?: string | null;
  readonly version?: number | null;
}

const CHANNEL: Channel<Ending> = { name: 'onsale:sessions' };

/** Milliseconds that an ending is known: those of an access token, and what the clocks of two machines may differ by. */
const KNOWN_MS = TOKEN_MS + 10 * MINUTE;

/** How a cache keeps callers: each is forgotten sooner than its ending. The clock is looked at once a second at most. */
export const CALLER_CACHE = { max: 100_000, ttl: TOKEN_MS, ttlResolution: SECOND } as const;

/** Between two readings: sockets of an ended session close within 5 s, also where the message was lost. */
const READ_EVERY_MS = 4 * SECOND;

/** Longest time between the instant that an ending has, by PostgreSQL's clock, and its commit. */
const MAX_COMMIT_MS = 30 * SECOND;

/** A socket or stream of a caller. */
interface Watcher {
  readonly caller: Caller;
  readonly end: () => void;
}

/** Which session a caller has. */
type Held = Pick<Caller, 'id' | 'sessionId' | 'version'>;

const endings = perProcess(() => new Endings());

class Endings {
  /** When each ended session can be forgotten, in milliseconds since 1970; the first to be forgotten first. */
  readonly #sessions = new Map<string, number>();
  /** By user, the version of the sessions that have not ended. */
  readonly #versions = new Map<string, { readonly version: number; readonly until: number }>();
  /** By user. */
  readonly #watchers = new Map<string, Set<Watcher>>();
  /** From when on the next reading reads, by PostgreSQL's clock. */
  #since: Date | undefined;

  has({ id, sessionId, version }: Held): boolean {
    if (sessionId !== null && this.#sessions.has(sessionId)) return true;
    const known = this.#versions.get(id);
    return known !== undefined && version < known.version;
  }

  learn({ userId, sessionId, version }: Ending): void {
    const until = Date.now() + KNOWN_MS;
    if (sessionId && !this.#sessions.has(sessionId)) this.#sessions.set(sessionId, until);
    if (version && version > (this.#versions.get(userId)?.version ?? 0)) {
      this.#versions.delete(userId);
      this.#versions.set(userId, { version, until });
    }
    for (const { caller, end } of this.#watchers.get(userId) ?? []) if (this.has(caller)) end();
  }

  watch(watcher: Watcher): () => void {
    const { id } = watcher.caller;
    const watchers = this.#watchers.get(id) ?? new Set();
    this.#watchers.set(id, watchers.add(watcher));
    return () => {
      watchers.delete(watcher);
      if (watchers.size === 0 && this.#watchers.get(id) === watchers) this.#watchers.delete(id);
    };
  }

  async read(platform: Platform): Promise<void> {
    const rows = await sql<Ending & { readonly now: Date }>(
      forkOf(platform),
      `with since as materialized (
         select clock_timestamp() as now, coalesce($1, clock_timestamp() - make_interval(secs => $2)) as at
       ), ended as (
         select user_id, id as session_id, null::int as version from session, since where ended_at > at
         union all
         select id, null, session_version from user_account, since where sessions_ended_at > at
       ) select since.now, user_id as "userId", session_id as "sessionId", version from since left join ended on true`,
      [this.#since ?? null, KNOWN_MS / SECOND],
    );
    for (const { now, ...ending } of rows) {
      this.#since = new Date(now.getTime() - MAX_COMMIT_MS);
      if (ending.userId) this.learn(ending);
    }
    this.#forget();
  }

  #forget(): void {
    const now = Date.now();
    for (const [sessionId, until] of this.#sessions) {
      if (until > now) break;
      this.#sessions.delete(sessionId);
    }
    for (const [userId, { until }] of this.#versions) {
      if (until > now) break;
      this.#versions.delete(userId);
    }
  }
}

/** Begins to listen for endings, and reads those that there are. */
export async function openEndings(platform: Platform): Promise<void> {
  const { messages, log } = platform;
  await messages.listen(CHANNEL, (ending) => endings(platform).learn(ending));
  messages.onGap(() => {
    endings(platform)
      .read(platform)
      .catch((error: unknown) => log.debug({ error: String(error) }, 'endings of sessions were not read'));
  });
  await endings(platform).read(platform);
}

/** Reads the endings whose messages were lost. */
export const readEndings: Job = {
  name: 'read-endings',
  everyMs: READ_EVERY_MS,
  run: (platform) => endings(platform).read(platform),
};

/** Tells every process what a committed transaction has ended; this one at once. Never throws. */
export function announceEnding(platform: Platform, ending: Ending): void {
  endings(platform).learn(ending);
  platform.messages
    .publish(CHANNEL, ending)
    .catch((error: unknown) => platform.log.debug({ error: String(error) }, 'others will read that a session ended'));
}

/** Whether the session of the caller's access token has ended, as far as this process knows. Asks no server. */
export function hasEnded(platform: Platform, caller: Held): boolean {
  return endings(platform).has(caller);
}

/**
 * Calls `end` once the caller's access token is over or its session ends; soon, when that has happened already.
 * @returns a function that no longer waits for it
 */
export function watchSession(platform: Platform, caller: Caller, end: () => void): () => void {
  const ms = hasEnded(platform, caller) ? 0 : caller.until - Date.now();
  const timer = setTimeout(end, Math.min(ms, 2 ** 31 - 1));
  const unwatch = endings(platform).watch({ caller, end });
  return () => {
    clearTimeout(timer);
    unwatch();
  };
}
