import { run } from '../commands/runner.ts';
import type { Job } from '../platform/jobs.ts';
import { forkOf, type Platform } from '../platform/platform.ts';
import { NOW_ONCE, sql } from '../platform/postgres.ts';
import { SECOND } from '../platform/units.ts';
import { Payment } from './payment.ts';
import { refundVerb } from './refund-payment.ts';

/** Payments given back at once by a process: as many as a batch has commands. */
const MAX_AT_ONCE = 128;

/** Seconds that a payment is leased to the process that gives it back: longer than a command can take. */
const LEASE_SECONDS = 30;

/** Seconds until the next try of a payment that failed: doubled each time. */
const RETRY_SECONDS = 2;
const MAX_RETRY_SECONDS = 300;

/** Milliseconds of one run: then the job says that it lives, and goes on. */
const MAX_RUN_MS = 10 * SECOND;

/** Characters of an error that are kept. */
const MAX_ERROR = 500;

interface Due {
  readonly paymentId: string;
  readonly reason: string;
}

const REFUND = refundVerb('refundShow');

/**
 * Gives back the payments of cancelled shows, in batches of commands. A payment is leased before it is given back, and
 * noted as done afterwards: when its process fails, it is due again at the end of the lease, and a payment that was given
 * back meanwhile is only noted. What fails is tried again later, for as long as it takes.
 */
export const refundShows: Job = {
  name: 'refund-shows',
  everyMs: SECOND,
  lastsMs: 2 * MAX_RUN_MS,
  async run(platform) {
    const until = performance.now() + MAX_RUN_MS;
    while (performance.now() < until) {
      const due = await lease(platform);
      if (due.length === 0) return;
      await giveBackAll(platform, due);
    }
  },
};

function lease(platform: Platform): Promise<Due[]> {
  return sql<Due>(
    forkOf(platform),
    `update show_refund r set due_at = clock_timestamp() + $2 * interval '1 second', attempts = r.attempts + 1
     from show s
     where s.id = r.show_id and r.payment_id in (
       select payment_id from show_refund where done_at is null and due_at <= ${NOW_ONCE}
       order by due_at limit $1 for update skip locked)
     returning r.payment_id as "paymentId", s.cancel_reason as reason`,
    [MAX_AT_ONCE, LEASE_SECONDS],
  );
}

async function giveBackAll(platform: Platform, due: readonly Due[]): Promise<void> {
  const em = forkOf(platform);
  const payments = await em.find(
    Payment,
    { id: { $in: due.map(({ paymentId }) => paymentId) } },
    { disableIdentityMap: true },
  );
  const reasons = new Map(due.map(({ paymentId, reason }) => [paymentId, reason]));
  const caller = { platform, isOver: () => false };
  const failures = new Map<string, string>();
  await Promise.all(
    payments.map(async (payment) => {
      const reason = reasons.get(payment.id) ?? null;
      try {
        const answer = await run(caller, REFUND, { payment, part: 'REST', reason, mayAlways: true });
        const isBack = answer instanceof Payment || ('code' in answer && answer.code === 'NOT_CANCELLABLE');
        // NOT_CANCELLABLE: it was given back before.
        if (!isBack) throw new Error(`the refund was refused: ${JSON.stringify(answer)}`);
      } catch (error) {
        failures.set(payment.id, String(error).slice(0, MAX_ERROR));
        platform.log.warn(
          { paymentId: payment.id, err: error },
          'a payment of a cancelled show could not be given back',
        );
      }
    }),
  );
  await note(
    platform,
    due.map(({ paymentId }) => paymentId).filter((id) => !failures.has(id)),
    failures,
  );
}

async function note(platform: Platform, done: readonly string[], failed: ReadonlyMap<string, string>): Promise<void> {
  await sql(
    forkOf(platform),
    `update show_refund r set
       done_at = case when u.error is null then clock_timestamp() end, last_error = u.error,
       due_at = clock_timestamp() + least($3 * power(2, least(attempts, 20) - 1), $4) * interval '1 second'
     from unnest($1::uuid[], $2::text[]) as u (payment_id, error)
     where r.payment_id = u.payment_id and r.done_at is null`,
    [[...done, ...failed.keys()], [...done.map(() => null), ...failed.values()], RETRY_SECONDS, MAX_RETRY_SECONDS],
  );
}
