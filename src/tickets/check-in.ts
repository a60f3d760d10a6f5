import { createUnionType, Field, ID, InputType, ObjectType } from 'type-graphql';
import { type Context, callerOf } from '../api/context.ts';
import { idempotencyKeyOf, idOf, KEY_KEPT_FOR_A_DAY, textOf } from '../api/input.ts';
import { notFound, Problem, Refusal, refuse, sentenceOf } from '../api/problems.ts';
import { DateTime } from '../api/scalars.ts';
import { rowsOf, SEATS, showLock, TICKETS } from '../commands/lock-order.ts';
import { run, type Verb } from '../commands/runner.ts';
import { Seat, Ticket } from '../concerts/seat.ts';
import { forkOf } from '../platform/platform.ts';
import { sql } from '../platform/postgres.ts';
import { ticketIdIn } from './ticket-code.ts';

@InputType({ description: 'A code that was scanned at the door of a show' })
export class CheckInInput {
  @Field(() => String, { description: '`Ticket.code` as it was scanned: 1 .. 1,000 characters' })
  code!: string;

  @Field(() => ID, { description: 'Id of the show that people are let in to' })
  showId!: string;

  @Field(() => ID, {
    description: KEY_KEPT_FOR_A_DAY,
  })
  idempotencyKey!: string;
}

@ObjectType({ description: 'The ticket is good, and its owner is let in: now, or before under the same key' })
export class CheckedIn {
  @Field(() => Seat, { description: 'The seat of the ticket' })
  seat!: Seat;

  @Field(() => ID, { description: 'The reservation that the ticket belongs to' })
  reservationId!: string;

  @Field(() => DateTime, { description: 'When its owner was let in' })
  at!: Date;
}

@ObjectType({
  implements: Problem,
  description: '`ALREADY_CHECKED_IN`: the ticket has let somebody in before, under another key; nobody is let in',
})
export class AlreadyCheckedIn extends Problem {
  @Field(() => Seat, { description: 'The seat of the ticket' })
  seat!: Seat;

  @Field(() => DateTime, { description: 'When the ticket let somebody in' })
  at!: Date;
}

export const CheckInResult = createUnionType({
  name: 'CheckInResult',
  description:
    'CheckedIn, AlreadyCheckedIn, or a Refusal: `TICKET_INVALID`, `SHOW_CANCELLED` or `IDEMPOTENCY_CONFLICT`',
  types: () => [CheckedIn, AlreadyCheckedIn, Refusal] as const,
});

type CheckInAnswer = CheckedIn | AlreadyCheckedIn | Refusal;

const MAX_CODE_CHARACTERS = 1_000;

interface CheckIn {
  readonly showId: string;
  /** The ticket that the code was made for; undefined for a code that was forged or altered. */
  readonly ticketId: string | undefined;
}

interface ShowFacts {
  readonly isKnown: boolean;
  readonly isCancelled: boolean;
}

const CHECK_IN: Verb<CheckIn, CheckInAnswer, Ticket | undefined, ShowFacts> = {
  name: 'checkIn',
  contends: ({ ticketId }) => (ticketId === undefined ? [] : [`ticket:${ticketId}`]),

  async prepare(platform, asked) {
    const ids = asked.flatMap(({ ticketId }) => ticketId ?? []);
    const rows = await forkOf(platform).find(Ticket, { id: { $in: ids } });
    const tickets = new Map(rows.map((ticket) => [ticket.id, ticket]));
    return asked.map(({ ticketId = '' }) => ({ known: tickets.get(ticketId) }));
  },

  locks: ({ showId }, ticket) => ({
    shared: [showLock(showId)],
    rows: ticket ? [rowsOf(SEATS, [ticket.seatId]), rowsOf(TICKETS, [ticket.id])] : [],
  }),

  async facts(em, items) {
    const rows = await sql<{ id: string; isCancelled: boolean }>(
      em,
      'select id, cancelled_at is not null as "isCancelled" from show where id = any($1)',
      [items.map(({ asked }) => asked.showId)],
    );
    const shows = new Map(rows.map(({ id, isCancelled }) => [id, isCancelled]));
    return items.map(({ asked: { showId } }) => ({
      isKnown: shows.has(showId),
      isCancelled: shows.get(showId) ?? false,
    }));
  },

  decide({ asked: { showId, ticketId }, known, facts: { isKnown, isCancelled } }, scene) {
    if (!isKnown) throw notFound('show');
    if (ticketId === undefined) return refuse('TICKET_INVALID');
    if (isCancelled) return refuse('SHOW_CANCELLED');
    const ticket = scene.find(TICKETS, ticketId);
    const seat = known && scene.get(SEATS, known.seatId);
    // The seat's lock guards who has it: its ticket may be gone, or another one, since it was read.
    if (!seat || !ticket || seat.ticket?.id !== ticketId || ticket.showId !== showId) return refuse('TICKET_INVALID');
    const shown = seat.shownAt(scene.now);
    if (ticket.checkedInAt !== null) return alreadyCheckedIn(shown, ticket.checkedInAt);
    ticket.checkIn(scene.now);
    // What later commands of the batch read of the seat: a refund, for one.
    seat.ticket.checkIn(scene.now);
    return Object.assign(new CheckedIn(), { seat: shown, reservationId: ticket.reservationId, at: scene.now });
  },

  presumed: () => ({ type: CheckedIn.name }),
  keep: (answer) =>
    answer instanceof CheckedIn ? { type: CheckedIn.name, id: answer.seat.id, fields: answer } : undefined,
  // Kept with its fields: the ticket may have been taken back since then.
  replay: async (_em, { fields }) => Object.assign(new CheckedIn(), fields),
  refusals: { AlreadyCheckedIn },
};

/**
 * Lets the owner of a ticket in, once. A refusal is logged with the request's id, without the code.
 * @returns CheckedIn; AlreadyCheckedIn for a ticket that has let somebody in; a Refusal SHOW_CANCELLED; a Refusal
 * TICKET_INVALID for a code that was forged or altered, of a ticket that was taken back, also by a move, or of another
 * show; a Refusal IDEMPOTENCY_CONFLICT
 * @throws CallerError NOT_FOUND for an unknown show; BAD_USER_INPUT for a code outside 1..1,000 characters
 */
export async function checkIn(context: Context, input: CheckInInput): Promise<CheckInAnswer> {
  const code = textOf('input.code', input.code, 1, MAX_CODE_CHARACTERS);
  const showId = idOf('input.showId', input.showId);
  const key = { userId: callerOf(context).id, key: idempotencyKeyOf(input.idempotencyKey), input: { code, showId } };
  const ticketId = await ticketIdIn(context.platform, code);
  const answer = await run(context, CHECK_IN, { showId, ticketId }, key);
  if (answer instanceof Problem) {
    const { requestId, platform } = context;
    platform.log.warn({ requestId, showId, ticketId, refusal: answer.code }, 'a code was refused at a door');
  }
  return answer;
}

function alreadyCheckedIn(seat: Seat, at: Date): AlreadyCheckedIn {
  return Object.assign(new AlreadyCheckedIn(), sentenceOf('ALREADY_CHECKED_IN'), { seat, at });
}
