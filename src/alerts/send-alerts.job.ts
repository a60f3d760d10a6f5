import { type EntityManager, LockMode } from '@mikro-orm/core';
import { runAlone } from '../commands/runner.ts';
import type { Job } from '../platform/jobs.ts';
import type { Platform } from '../platform/platform.ts';
import { sqlRow } from '../platform/postgres.ts';
import { SECOND } from '../platform/units.ts';
import { Alert, AlertChannel, MAX_ATTEMPTS } from './alert.ts';
import { POST_TIMEOUT_MS, postAlert } from './post-alert.ts';

/** Attempts that one run of the job begins at most. */
const MAX_AT_ONCE = 20;

/** How long an alert is its sender's: as long as it may take to begin, and to post, and as much again. */
const LEASE_MS = 4 * POST_TIMEOUT_MS;
/** A sender that was delayed for longer after it began does not post any more. */
const MAX_DELAY_MS = POST_TIMEOUT_MS;

/** An alert that is this process's to send, and where to. Its number of attempts, this one included, fences the result. */
interface Attempt {
  readonly alert: Alert;
  readonly channel: AlertChannel;
}

/**
 * Sends what is due: at least once each, by one sender at a time. An attempt is counted and leased before it is made, and no
 * transaction is open while it lasts; one whose process died is due again when the lease ends.
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
  const now = await clockOf(em);
  const due = await em.find(
    Alert,
    { status: 'SCHEDULED', dueAt: { $lte: now } },
    { lockMode: LockMode.PESSIMISTIC_PARTIAL_WRITE, orderBy: { dueAt: 'asc' }, limit: MAX_AT_ONCE },
  );
  const leaseEnd = new Date(now.getTime() + LEASE_MS);
  const begun = due.filter((alert) => alert.begin(leaseEnd));
  if (begun.length === 0) return [];
  const ids = begun.map(({ channelId }) => channelId);
  const found = await em.find(AlertChannel, { id: { $in: ids } }, { populate: ['url'] });
  const channels = new Map(found.map((channel) => [channel.id, channel]));
  return begun.map((alert) => ({ alert, channel: channels.get(alert.channelId) as AlertChannel }));
}

async function send(platform: Platform, { alert, channel }: Attempt, begunAt: number): Promise<void> {
  if (performance.now() - begunAt > MAX_DELAY_MS) return;
  const { id, attempts } = alert;
  const failure = await postAlert(alert, channel, platform.config);
  await runAlone(platform, async (em) => {
    // Where others have begun a later attempt, theirs says what came of it.
    const latest = await em.findOne(
      Alert,
      { id, attempts, status: 'SCHEDULED' },
      { lockMode: LockMode.PESSIMISTIC_WRITE },
    );
    if (failure === null) latest?.sent();
    else latest?.fail(failure, await clockOf(em));
  });
  if (failure !== null && attempts >= MAX_ATTEMPTS)
    platform.log.warn({ alert: id, failure }, 'an alert could not be sent and is given up');
}

async function clockOf(em: EntityManager): Promise<Date> {
  return (await sqlRow<{ now: Date }>(em, 'select clock_timestamp() as now')).now;
}
