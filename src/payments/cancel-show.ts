import type { EntityManager } from '@mikro-orm/core';
import { Field, ID, InputType } from 'type-graphql';
import type { Context } from '../api/context.ts';
import { idOf, textOf } from '../api/input.ts';
import { notFound } from '../api/problems.ts';
import type { NewEvent } from '../commands/event-types.ts';
import { concertLock, lockNames, lockRows, MAX_ALONE_WAIT_MS, QUEUES, showLock } from '../commands/lock-order.ts';
import { type Change, deedOf, logDeed } from '../commands/operator-log.ts';
import { writeOutbox } from '../commands/outbox.ts';
import { copyOf, runAlone } from '../commands/runner.ts';
import type { Seat } from '../concerts/seat.ts';
import { publishSeats } from '../concerts/seat-change.ts';
import { Show } from '../concerts/show.ts';
import { isUnavailable } from '../platform/faults.ts';
import { FIRST_ID } from '../platform/ids.ts';
import { readClock, sql, sqlRow } from '../platform/postgres.ts';
import { pushSettings } from '../queue/line/line.ts';
import { eventsOfQueue, type Queue } from '../queue/queue.ts';
import { endHoldsOfShows } from '../reservations/end-holds.ts';
import { MAX_REASON } from './refund-payment.ts';

@InputType({ description: 'Which show is cancelled, and why. It needs no key, because a show is cancelled once' })
export class CancelShowInput {
  @Field(() => ID, { description: 'Id of the show' })
  showId!: string;

  @Field(() => String, { description: 'Why, 1 .. 500 characters. Everybody can read it' })
  reason!: string;
}

/** Payments that one statement notes to be given back. */
const MAX_AT_ONCE = 10_000;

interface Cancelled {
  readonly show: Show;
  readonly freed: readonly Seat[];
  /** The queue in front, if it was closed. */
  readonly closed: Queue | undefined;
}

/**
 * Cancels a show. From the commit on nothing of it is sold, held or paid for, also by those who were paying at that
 * moment: they hear SHOW_CANCELLED. Its holds end, and its payments are noted to be given back, which the job
 * `refund-shows` does. A queue whose concerts have no other show left that can be bought is closed. A show that was
 * cancelled before is answered as it is.
 * @throws CallerError NOT_FOUND for an unknown show; BAD_USER_INPUT for a reason outside 1..500 characters;
 * SERVICE_UNAVAILABLE when a purchase under way does not end within two seconds
 */
export async function cancelShow(context: Context, input: CancelShowInput): Promise<Show> {
  const showId = idOf('input.showId', input.showId);
  const reason = textOf('input.reason', input.reason, 1, MAX_REASON);
  const { platform } = context;
  const { show, freed, closed } = await runAlone(platform, (em) => cancel(em, context, showId, reason));
  publishSeats(platform, freed);
  if (closed) {
    // The row holds the change: after an outage of Redis, the job queue-settings writes it to Redis.
    await pushSettings(platform, closed).catch((error: unknown) => {
      if (!isUnavailable(error)) throw error;
    });
  }
  return show;
}

/**
 * Takes its locks in LOCK_ORDER: the concert's and the show's, reservations, seats, the queue. What it notes refers to
 * payments, whose cancellation waits until the commit. The show is written last, because the relay of events waits for it.
 */
async function cancel(em: EntityManager, context: Context, showId: string, reason: string): Promise<Cancelled> {
  const known = await em.findOne(Show, { id: showId });
  if (!known) throw notFound('show');
  // Shows that are added to the concert or mended meanwhile wait, so that a queue is not closed in front of them.
  await lockNames(em, [{ exclusive: [concertLock(known.concertId)] }], MAX_ALONE_WAIT_MS);
  await lockNames(em, [{ exclusive: [showLock(showId)] }], MAX_ALONE_WAIT_MS);
  const show = await em.findOneOrFail(Show, { id: showId }, { refresh: true });
  if (show.cancelledAt !== null) return { show, freed: [], closed: undefined };
  const now = await readClock(em);
  const freed = await endHoldsOfShows(em, [showId], context.requestId);
  const was = copyOf(show);
  await noteRefunds(em, showId);
  const closing = await closeQueue(em, show, now);
  Object.assign(show, { cancelledAt: now, cancelReason: reason });
  await em.flush();
  const events: NewEvent[] = [
    { type: 'show.cancelled.v1', aggregate: showId, data: { showId, concertId: show.concertId, reason } },
    ...(closing ? eventsOfQueue(closing, { now, rowOf: () => undefined }) : []),
  ];
  const changes: Change[] = [{ before: was, after: show }, ...(closing ? [closing] : [])];
  await logDeed(em, context, deedOf(changes));
  await writeOutbox(
    em,
    events.map((event) => ({ event, requestId: context.requestId })),
  );
  return { show, freed, closed: closing?.after };
}

/** Notes the payments that paid for tickets of the show: the job gives them back. */
async function noteRefunds(em: EntityManager, showId: string): Promise<void> {
  for (let after: string | undefined = FIRST_ID; after !== undefined; ) {
    const { last }: { last: string | null } = await sqlRow(
      em,
      `with page as materialized (
         select distinct reservation_id from ticket where show_id = $1 and reservation_id > $2
         order by reservation_id limit $3
       ), noted as (
         insert into show_refund (payment_id, show_id, due_at)
         select p.id, $1, clock_timestamp() from page s
           join payment p on p.reservation_id = s.reservation_id and p.status = 'COMPLETED'
       )
       select (select reservation_id from page order by reservation_id desc limit 1) as last`,
      [showId, after, MAX_AT_ONCE],
    );
    after = last ?? undefined;
  }
}

/**
 * Closes the queue in front of the show, when no concert behind it has another show whose sale is not over. A show that is
 * sold out counts: what is given back of it can be bought again.
 * @returns the queue as it was and as it is, written; undefined when it stays as it is
 */
async function closeQueue(
  em: EntityManager,
  show: Show,
  now: Date,
): Promise<{ before: Queue; after: Queue } | undefined> {
  const [concert] = await sql<{ queueId: string | null }>(
    em,
    'select queue_id as "queueId" from concert where id = $1',
    [show.concertId],
  );
  const queueId = concert?.queueId ?? null;
  if (queueId === null) return undefined;
  // Locked first: of two shows that are cancelled at once, the second sees the first as cancelled.
  const queue = (await lockRows(em, QUEUES, [queueId])).get(queueId);
  const [left] = await sql(
    em,
    `select from show s join concert c on c.id = s.concert_id
     where c.queue_id = $1 and c.withdrawn_at is null and s.cancelled_at is null and s.sales_close_at > $2
       and s.id <> $3 limit 1`,
    [queueId, now, show.id],
  );
  if (!queue || left || queue.state === 'CLOSED') return undefined;
  const before = copyOf(queue);
  queue.change({ state: 'CLOSED' }, now);
  await em.flush();
  return { before, after: queue };
}
