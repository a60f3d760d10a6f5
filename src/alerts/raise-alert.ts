import { setTimeout as sleep } from 'node:timers/promises';
import { isUnavailable } from '../platform/faults.ts';
import { newId } from '../platform/ids.ts';
import type { Job } from '../platform/jobs.ts';
import { loadScript, runScript } from '../platform/lua.ts';
import { forkOf, type Platform, perProcess } from '../platform/platform.ts';
import { sql } from '../platform/postgres.ts';
import { HOUR, MINUTE, SECOND } from '../platform/units.ts';
import { Alert, AlertChannel, MAX_TEXT } from './alert.ts';
import { postAlert } from './post-alert.ts';

/**
 * The alerts that Onsale raises itself, each with the milliseconds during which it is raised once at most.
 * docs/operate/alerts.md says what each means.
 */
export const BUILT_IN = {
  FAULT: MINUTE,
  CRASH: MINUTE,
  AUDIT_VIOLATION: MINUTE,
  QUEUE_STUCK: MINUTE,
  DEAD_LETTERS: MINUTE,
  POSTGRES_AWAY: MINUTE,
  POSTGRES_BACK: MINUTE,
  REDIS_AWAY: MINUTE,
  REDIS_BACK: MINUTE,
  JOB_FAILED: MINUTE,
  JOB_LATE: MINUTE,
  DISK_NEARLY_FULL: HOUR,
} as const;
export type BuiltIn = keyof typeof BUILT_IN;

/** What a built-in alert is about, beyond its kind. */
export interface About {
  /** Tells alerts of one kind apart: each subject counts for itself. At most 200 characters, and no secret. */
  readonly subject?: string;
  /** The request in which it came up, by which the log is searched. */
  readonly requestId?: string | undefined;
}

const CLAIM = loadScript(import.meta.url, 'claim-raise');

/** Milliseconds for which a process gathers what comes up many times at once, before it raises it. */
const GATHER_MS = SECOND;

/** Most alerts of different kinds and subjects that a process gathers at a time. */
const MAX_GATHERED = 1_000;

/** What came up at this process and is not raised yet. */
interface Gathered {
  readonly kind: BuiltIn;
  readonly text: string;
  readonly requestId: string | undefined;
  count: number;
}

/** What one process has to raise, and what it needs while its servers are away. */
interface Raiser {
  /** By name of the alert, as `nameOf` makes it. */
  readonly gathered: Map<string, Gathered>;
  /** How often alerts came up that another process, or this one a short time ago, had raised. */
  readonly held: Map<string, number>;
  /** When this process raised an alert last, in milliseconds by `performance.now()`. */
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
 * last, over all processes. What is raised too soon is only counted. Never throws and is not waited for: a process
 * gathers for a second what comes up many times.
 * @param text says what happened; no secrets, and no values that callers sent
 */
export function raiseAlert(platform: Platform, kind: BuiltIn, text: string, about: About = {}): void {
  const { gathered, underWay } = raisers(platform);
  const name = nameOf(kind, about);
  const known = gathered.get(name);
  if (known) known.count++;
  if (known || gathered.size >= MAX_GATHERED) return;
  gathered.set(name, { kind, text, requestId: about.requestId, count: 1 });
  const work = raise(platform, name);
  underWay.add(work);
  void work.finally(() => underWay.delete(work));
}

/** Waits until what came up is raised; what was to be posted again later is not. */
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

async function raise(platform: Platform, name: string): Promise<void> {
  const { gathered, held, closing } = raisers(platform);
  await sleep(GATHER_MS, undefined, { signal: closing.signal }).catch(() => undefined);
  const { kind, text, requestId, count } = gathered.get(name) as Gathered;
  gathered.delete(name);
  const known = count + (held.get(name) ?? 0);
  held.delete(name);
  try {
    const times = await claim(platform, name, kind, known);
    if (times === 0) return;
    const full = textOf(kind, text, times, requestId);
    if ((await schedule(platform, name, kind, full)) === 0) hold(platform, name, times);
  } catch (error) {
    platform.log.error({ err: error, alert: name }, 'a built-in alert could not be raised');
  }
}

/** @returns how often the alert came up since it was raised last; 0 when this process may not raise it now */
async function claim(platform: Platform, name: string, kind: BuiltIn, count: number): Promise<number> {
  const { raisedAt } = raisers(platform);
  const before = raisedAt.get(name) ?? Number.NEGATIVE_INFINITY;
  let times = 0;
  try {
    times = await runScript<number>(platform.redis, CLAIM, `onsale:alert:{${name}}`, [count, BUILT_IN[kind]]);
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    if (performance.now() - before >= BUILT_IN[kind]) times = count;
    else hold(platform, name, count);
  }
  if (times > 0) raisedAt.set(name, performance.now());
  return times;
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
 * @returns 0 when another process has raised it
 */
async function schedule(platform: Platform, name: string, kind: BuiltIn, text: string): Promise<0 | 1> {
  try {
    const channels = await readChannelsWithUrls(platform);
    // Outside the lane of jobs, which failing jobs fill while PostgreSQL is slow. What is kept here is an instant after
    // the claim in Redis: it counts for a second less, so that it never refuses what Redis allows.
    const rows = await sql<{ raised: number }>(
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
       select count(*)::int as raised from claimed`,
      [name, BUILT_IN[kind], text, channels.map(() => newId()), channels.map(({ id }) => id)],
    );
    return rows[0]?.raised === 1 ? 1 : 0;
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    await postToAll(platform, text);
    return 1;
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
