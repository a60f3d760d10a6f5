import { type EntityManager, LockMode } from '@mikro-orm/core';
import { runAlone } from '../commands/runner.ts';
import type { Job } from '../platform/jobs.ts';
import { POST_TIMEOUT_MS } from '../platform/outgoing.ts';
import type { Platform } from '../platform/platform.ts';
import { readClock } from '../platform/postgres.ts';
import { SECOND } from '../platform/units.ts';
import { Alert, AlertChannel, MAX_ATTEMPTS } from './alert.ts';
import { postAlert } from './post-alert.ts';

/** Most attempts that one run of the job begins. */
const MAX_AT_ONCE = 20;

/** Milliseconds that an attempt is leased to its sender: twice the longest time to begin and to post. */
const LEASE_MS = 4 * POST_TIMEOUT_MS;
/** Milliseconds of delay, from the begin of a run, after which a sender no longer posts. */
const MAX_DELAY_MS = POST_TIMEOUT_MS;

/**
 * An alert that this process is to send, with its channel. The number of its attempts, this one included, identifies
 * the attempt when its result is written.
 */
interface Attempt {
  readonly alert: Alert;
  readonly channel: AlertChannel;
}

/**
 * Sends the alerts that are due: each at least once, by one sender at a time. An attempt is counted and leased before
 * it is made, and no transaction is open while it lasts. When its process fails, the alert is due again at the end of
 * the lease.
 */
export const sendAlerts: Job = {
  name: 'send-alerts',
  everyMs: SECOND,
  async run(platform) {
    const begunAt = performance.now();
    const attempts = await runAlone(platform, beginAttempts);
    const ends = await Promise.allSettled(attempts.map((attempt) => send(platform, attempt, begunAt)));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  },
};

async function beginAttempts(em: EntityManager): Promise<Attempt[]> {
  const now = await readClock(em);
  const due = await em.find(
    Alert,
    { status: 'SCHEDULED', dueAt: { $lte: now } },
    { lockMode: LockMode.PESSIMISTIC_PARTIAL_WRITE, orderBy: { dueAt: 'asc' }, limit: MAX_AT_ONCE },
  );
  const leaseEnd = new Date(now.getTime() + LEASE_MS);
  if (due.length === 0) return [];
  const ids = due.map(({ channelId }) => channelId);
  const found = await em.find(AlertChannel, { id: { $in: ids } }, { populate: ['url'] });
  const channels = new Map(found.map((channel) => [channel.id, channel]));
  return due.flatMap((alert) => {
    const channel = channels.get(alert.channelId) as AlertChannel;
    // It was scheduled while its channel was being removed.
    if (channel.removedAt) alert.giveUp();
    else if (alert.begin(leaseEnd)) return [{ alert, channel }];
    return [];
  });
}

async function send(platform: Platform, { alert, channel }: Attempt, begunAt: number): Promise<void> {
  if (performance.now() - begunAt > MAX_DELAY_MS) return;
  const { id, attempts } = alert;
  const failure = await postAlert(alert, channel, platform.config);
  await runAlone(platform, async (em) => {
    // When another process has begun a later attempt, the result of that attempt counts.
    const latest = await em.findOne(
      Alert,
      { id, attempts, status: 'SCHEDULED' },
      { lockMode: LockMode.PESSIMISTIC_WRITE },
    );
    if (failure === null) latest?.sent();
    else latest?.fail(failure, await readClock(em));
  });
  if (failure !== null && attempts >= MAX_ATTEMPTS)
    platform.log.warn({ alert: id, failure }, 'an alert could not be sent and is given up');
}
