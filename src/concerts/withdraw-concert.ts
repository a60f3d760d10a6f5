import type { EntityManager } from '@mikro-orm/core';
import { createUnionType, Field, ID, InputType, ObjectType } from 'type-graphql';
import type { Context } from '../api/context.ts';
import { idOf } from '../api/input.ts';
import { notFound, Problem, sentenceOf } from '../api/problems.ts';
import { CONCERTS, concertLock, lockNames, lockRows, MAX_ALONE_WAIT_MS, showLock } from '../commands/lock-order.ts';
import { deedOf, logDeed } from '../commands/operator-log.ts';
import { writeOutbox } from '../commands/outbox.ts';
import { copyOf, runAlone } from '../commands/runner.ts';
import { readClock, sql } from '../platform/postgres.ts';
import { endHoldsOfShows } from '../reservations/end-holds.ts';
import { Concert } from './concert.ts';
import type { Seat } from './seat.ts';
import { publishSeats } from './seat-change.ts';

@InputType({ description: 'Which concert is withdrawn' })
export class WithdrawConcertInput {
  @Field(() => ID, { description: 'Id of the concert' })
  id!: string;
}

@ObjectType({
  implements: Problem,
  description:
    '`SEATS_SOLD`: what is sold of coming shows is given back first, by `cancelShow` or payment by payment; nothing was changed',
})
export class SeatsSold extends Problem {
  @Field(() => [ID], { description: 'The coming shows of which seats are sold' })
  showIds!: string[];
}

export const WithdrawConcertResult = createUnionType({
  name: 'WithdrawConcertResult',
  description: 'The concert as it is now, or SeatsSold',
  types: () => [Concert, SeatsSold] as const,
});

interface Withdrawal {
  readonly answer: Concert | SeatsSold;
  readonly freed: readonly Seat[];
}

/**
 * Hides a concert and its shows from everybody but operators, for good. From the commit on nothing of it is held or
 * paid for, also by who is paying at that moment; its holds end. Processes that have answered for it lately go on doing
 * so for a second at most, and reserve and pay nothing.
 * @returns the concert, one that was withdrawn before as it is; SeatsSold with the coming shows of which seats are sold
 * @throws CallerError NOT_FOUND for an unknown concert; SERVICE_UNAVAILABLE when purchases under way do not end within
 * two seconds
 */
export async function withdrawConcert(context: Context, input: WithdrawConcertInput): Promise<Concert | SeatsSold> {
  const id = idOf('input.id', input.id);
  const { platform } = context;
  const { answer, freed } = await runAlone(platform, (em) => withdraw(em, context, id));
  publishSeats(platform, freed);
  return answer;
}

/** Takes its locks in LOCK_ORDER: the concert's name, so that no show is added, its shows', then rows. */
async function withdraw(em: EntityManager, context: Context, id: string): Promise<Withdrawal> {
  await lockNames(em, [{ exclusive: [concertLock(id)] }], MAX_ALONE_WAIT_MS);
  const shows = await sql<{ id: string }>(em, 'select id from show where concert_id = $1', [id]);
  const showIds = shows.map((show) => show.id);
  await lockNames(em, [{ exclusive: showIds.map(showLock) }], MAX_ALONE_WAIT_MS);
  const sold = await sql<{ id: string }>(
    em,
    `select s.id from show s where s.id = any($1) and s.starts_at > clock_timestamp() and s.cancelled_at is null
       and exists (select from ticket t where t.show_id = s.id) order by s.starts_at, s.id`,
    [showIds],
  );
  if (sold.length > 0) {
    const problem = Object.assign(new SeatsSold(), sentenceOf('SEATS_SOLD'), { showIds: sold.map((show) => show.id) });
    return { answer: problem, freed: [] };
  }
  const freed = await endHoldsOfShows(em, showIds, context.requestId);
  const concert = (await lockRows(em, CONCERTS, [id])).get(id);
  if (!concert) throw notFound('concert');
  const was = copyOf(concert);
  concert.withdrawnAt ??= await readClock(em);
  await em.flush();
  await logDeed(em, context, deedOf([{ before: was, after: concert }]));
  if (was.withdrawnAt !== null) return { answer: concert, freed };
  const data = { concertId: id, withdrawnAt: concert.withdrawnAt.toISOString() };
  const event = { type: 'concert.withdrawn.v1', aggregate: id, data } as const;
  await writeOutbox(em, [{ event, requestId: context.requestId }]);
  return { answer: concert, freed };
}
