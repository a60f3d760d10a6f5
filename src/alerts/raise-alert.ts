import { setTimeout as sleep } from 'node:timers/promises';
import { isUnavailable } from '../platform/faults.ts';
import { newId } from '../platform/ids.ts';
import type { Job } from '../platform/jobs.ts';
import { loadScript, runScript } from '../platform/lua.ts';
import { forkOf, type Platform, perProcess } from '../platform/platform.ts';
import { sqlRow } from '../platform/postgres.ts';
import { HOUR, MINUTE, SECOND } from '../platform/units.ts';
import { Alert, AlertChannel, MAX_TEXT } from './alert.ts';
import { postAlert } from './post-alert.ts';

/** How often an alert is raised. */
interface Pace {
  /** Milliseconds during which it is raised once at most. */
  readonly everyMs: number;
  /** Those double each time it is raised, up to this, until it did not come up for `everyMs`. */
  readonly longestMs: number;
  /** Whether it comes up again and again while it lasts. What does not is raised late when it came up too soon. */
  readonly isRepeated: boolean;
}

const ONCE: Pace = { everyMs: MINUTE, longestMs: MINUTE, isRepeated: false };

/** The alerts that Onsale raises itself. docs/operate/alerts.md says what each means. */
export const BUILT_IN = {
  FAULT: ONCE,
  CRASH: ONCE,
  AUDIT_VIOLATION: ONCE,
  QUEUE_STUCK: { everyMs: MINUTE, longestMs: HOUR, isRepeated: true },
  DEAD_LETTERS: ONCE,
  CHARGE_NOT_APPLIED: ONCE,
  POSTGRES_AWAY: ONCE,
  POSTGRES_BACK: ONCE,
  REDIS_AWAY: ONCE,
  REDIS_BACK: ONCE,
  JOB_FAILED: ONCE,
  JOB_LATE: ONCE,
  DISK_NEARLY_FULL: { everyMs: HOUR, longestMs: HOUR, isRepeated: true },
} as const satisfies Record<string, Pace>;
export type BuiltIn = keyof typeof BUILT_IN;

/** What a built-in alert is about, beyond its kind. */
export interface About {
  /** Tells alerts of one kind apart: each subject counts for itself. At most 200 characters, and no secret. */
  readonly subject?: string;
  /** The request in which it came up, by which the log is searched. */
  readonly requestId?: string | undefined;
  /**
   * Since when it lasts, by `performance.now()`, for what each process finds by itself: an alert that was raised after
   * that tells of it, whichever process raised it.
   */
  readonly since?: number | undefined;
}

const CLAIM = loadScript(import.meta.url, 'claim-raise');

/** Milliseconds for which a process gathers what comes up many times at once, before it raises it. */
const GATHER_MS = SECOND;

/** Most alerts of different kinds and subjects that a process gathers at a time, and most that wait in it. */
const MAX_GATHERED = 1_000;

/** What came up at this process and is not raised yet. */
interface Gathered {
  readonly kind: BuiltIn;
  readonly text: string;
  readonly requestId: string | undefined;
  readonly since: number | undefined;
  count: number;
}

/** What came up too soon to be raised, and is raised late. */
interface Waiting {
  readonly alert: Gathered;
  /** From when it may be raised, by `performance.now()`. */
  readonly dueAt: number;
}

/** What one process has to raise, and what it needs while its servers are away. */
interface Raiser {
  /** By name of the alert, as `nameOf` makes it. */
  readonly gathered: Map<string, Gathered>;
  /** How often alerts came up that another process, or this one a short time ago, had raised. */
  readonly held: Map<string, number>;
  /** The latest of each name. How often it came up is held. */
  readonly waiting: Map<string, Waiting>;
  /** When an alert was raised last, as far as this process knows, in milliseconds by `performance.now()`. */
  readonly raisedAt: Map<string, number>;
  readonly underWay: Set<Promise<void>>;
  readonly closing: AbortController;
  /** With their URLs, as PostgreSQL had them last. */
  channels: readonly AlertChannel[];
}

const raisers = perProcess((platform): Raiser => {
  const raiser: Raiser = {
    gathered: new Map(),
    held: new Map(),
    waiting: new Map(),
    raisedAt: new Map(),
    underWay: new Set(),
    closing: new AbortController(),
    channels: [],
  };
  platform.closing.push(() => {
    raiser.closing.abort();
    return settleAlerts(platform);
  });
  return raiser;
});

/** Lets alerts be raised until `platform` closes: what came up by then is raised before its servers are left. */
export function openAlerts(platform: Platform): void {
  raisers(platform);
}

/**
 * Raises a built-in alert: its text goes to every registered channel, with how often it came up since it was raised
 * last, over all processes. What comes up too soon is counted, and raised as soon as its kind allows, unless it comes up
 * again by itself. Never throws and is not waited for: a process gathers for a second what comes up many times.
 * @param text says what happened; no secrets, and no values that callers sent
 */
export function raiseAlert(platform: Platform, kind: BuiltIn, text: string, about: About = {}): void {
  const { gathered } = raisers(platform);
  const name = nameOf(kind, about);
  const known = gathered.get(name);
  if (known) known.count++;
  if (known || gathered.size >= MAX_GATHERED) return;
  gathered.set(name, { kind, text, requestId: about.requestId, since: about.since, count: 1 });
  begin(platform, raiseGathered(platform, name));
}

/**
 * Takes back an alert without a subject that this process was still to raise.
 * @returns whether there was one
 */
export function withdrawAlert(platform: Platform, kind: BuiltIn): boolean {
  return raisers(platform).waiting.delete(nameOf(kind, {}));
}

/** Raises what came up too soon and may be raised by now. */
export const raiseWaiting: Job = {
  name: 'raise-waiting',
  everyMs: SECOND,
  async run(platform) {
    const { waiting } = raisers(platform);
    for (const [name, { alert, dueAt }] of waiting) {
      if (dueAt > performance.now()) continue;
      waiting.delete(name);
      begin(platform, raise(platform, name, alert));
    }
  },
};

/** Lets `settleAlerts` wait for the work. */
function begin(platform: Platform, work: Promise<void>): void {
  const { underWay } = raisers(platform);
  underWay.add(work);
  void work.finally(() => underWay.delete(work));
}

/** Waits until what came up is raised; what is to be raised late, or posted again later, is not waited for. */
export async function settleAlerts(platform: Platform): Promise<void> {
  await Promise.all(raisers(platform).underWay);
}

/** Keeps the channels in memory, for alerts that are raised while PostgreSQL is away. */
export const keepChannels: Job = {
  name: 'keep-channels',
  everyMs: 3 * SECOND,
  async run(platform) {
    raisers(platform).channels = await readChannelsWithUrls(platform);
  },
};

function readChannelsWithUrls(platform: Platform): Promise<AlertChannel[]> {
  return forkOf(platform).find(AlertChannel, { removedAt: null }, { populate: ['url'] });
}

function nameOf(kind: BuiltIn, { subject = '' }: About): string {
  return subject === '' ? kind : `${kind}:${subject.slice(0, 200)}`;
}

async function raiseGathered(platform: Platform, name: string): Promise<void> {
  const { gathered, closing } = raisers(platform);
  await sleep(GATHER_MS, undefined, { signal: closing.signal }).catch(() => undefined);
  const alert = gathered.get(name) as Gathered;
  gathered.delete(name);
  await raise(platform, name, alert);
}

async function raise(platform: Platform, name: string, alert: Gathered): Promise<void> {
  const { held, raisedAt, waiting } = raisers(platform);
  const { kind, text, requestId, count } = alert;
  const known = count + (held.get(name) ?? 0);
  held.delete(name);
  try {
    const times = await claim(platform, name, kind, known);
    if (times === 0) return;
    if (times < 0) return letWait(platform, name, alert, -times);
    const leftMs = await schedule(platform, name, kind, textOf(kind, text, times, requestId));
    raisedAt.set(name, performance.now() - (leftMs === 0 ? 0 : BUILT_IN[kind].everyMs - leftMs));
    if (leftMs === 0) waiting.delete(name);
    else {
      hold(platform, name, times);
      letWait(platform, name, alert, leftMs);
    }
  } catch (error) {
    platform.log.error({ err: error, alert: name }, 'a built-in alert could not be raised');
  }
}

/** Lets an alert wait that may be raised in `leftMs`, unless one tells of it already or it comes up again by itself. */
function letWait(platform: Platform, name: string, alert: Gathered, leftMs: number): void {
  const { waiting } = raisers(platform);
  const { kind, since = Number.POSITIVE_INFINITY } = alert;
  const { everyMs, isRepeated } = BUILT_IN[kind];
  const raisedAt = performance.now() - (everyMs - leftMs);
  if (isRepeated || since <= raisedAt || (waiting.size >= MAX_GATHERED && !waiting.has(name))) return;
  waiting.set(name, { alert: { ...alert, count: 0 }, dueAt: performance.now() + leftMs });
}

/**
 * @returns how often the alert came up since it was raised last; 0 when all of that was raised; when it may not be raised
 * now, the milliseconds until it may, below zero
 */
async function claim(platform: Platform, name: string, kind: BuiltIn, count: number): Promise<number> {
  const { everyMs, longestMs } = BUILT_IN[kind];
  try {
    return await runScript<number>(platform.redis, CLAIM, `onsale:alert:{${name}}`, [count, everyMs, longestMs]);
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    const before = raisers(platform).raisedAt.get(name) ?? Number.NEGATIVE_INFINITY;
    const leftMs = before + everyMs - performance.now();
    // Redis may have counted what waited, and cannot say so now.
    if (leftMs <= 0) return Math.max(count, 1);
    hold(platform, name, count);
    return -leftMs;
  }
}

/** Keeps how often an alert came up that may not be raised now, for the next time. */
function hold(platform: Platform, name: string, times: number): void {
  const { held } = raisers(platform);
  held.set(name, (held.get(name) ?? 0) + times);
}

function textOf(kind: BuiltIn, text: string, times: number, requestId: string | undefined): string {
  const facts = [
    ...(times > 1 ? [`${times} times since the last alert.`] : []),
    ...(requestId === undefined ? [] : [`Request id: ${requestId}`]),
  ];
  return [...[`${kind}: ${text}`, ...facts].join('\n')].slice(0, MAX_TEXT).join('');
}

/**
 * Schedules the alert for every channel, which the job that sends alerts then sends. While PostgreSQL is away, this
 * process posts it itself. PostgreSQL too keeps when an alert was raised: without Redis nothing else is common to the
 * processes.
 * @returns 0 when it is raised; else the milliseconds until it may be: another process has raised it
 */
async function schedule(platform: Platform, name: string, kind: BuiltIn, text: string): Promise<number> {
  const { everyMs } = BUILT_IN[kind];
  try {
    const channels = await readChannelsWithUrls(platform);
    // Outside the lane of jobs, which failing jobs fill while PostgreSQL is slow. What is kept here is an instant after
    // the claim in Redis: it counts for a second less, so that it never refuses what Redis allows.
    const { leftMs } = await sqlRow<{ leftMs: number }>(
      forkOf(platform),
      `with claimed as (
         insert into raised_alert (name, raised_at) values ($1, clock_timestamp())
         on conflict (name) do update set raised_at = excluded.raised_at
           where raised_alert.raised_at <= excluded.raised_at - ($2::float8 - 1000) * interval '1 millisecond'
         returning raised_at
       ), scheduled as (
         insert into alert (id, channel_id, text, send_at, due_at)
         select u.id, u.channel_id, $3, raised_at, raised_at from claimed, unnest($4::uuid[], $5::uuid[]) as u (id, channel_id)
       )
       select case when exists (select from claimed) then 0 else coalesce(
         (select $2 - 1000 * extract(epoch from clock_timestamp() - raised_at)::float8 from raised_alert where name = $1),
         $2) end as "leftMs"`,
      [name, everyMs, text, channels.map(() => newId()), channels.map(({ id }) => id)],
    );
    return leftMs;
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    await postToAll(platform, text);
    return 0;
  }
}

/** Posts the text to the channels in memory, each as often as the job would try, until the process ends. */
async function postToAll(platform: Platform, text: string): Promise<void> {
  const { channels } = raisers(platform);
  const posts = channels.map((channel) => post(platform, channel, text));
  await Promise.all(posts);
}

async function post(platform: Platform, channel: AlertChannel, text: string): Promise<void> {
  const { closing } = raisers(platform);
  const alert = Alert.schedule(channel.id, text, new Date());
  while (alert.status === 'SCHEDULED' && !closing.signal.aborted) {
    alert.begin(alert.dueAt);
    const failure = await postAlert(alert, channel, platform.config);
    if (failure === null) alert.sent();
    else {
      alert.fail(failure, new Date());
      const wait = alert.dueAt.getTime() - Date.now();
      await sleep(wait, undefined, { signal: closing.signal }).catch(() => undefined);
    }
  }
  if (alert.status !== 'SENT')
    platform.log.warn({ alert: alert.id, failure: alert.lastError }, 'an alert could not be sent and is given up');
}
