import { Field, ID, InputType } from 'type-graphql';
import { idOf } from '../api/input.ts';
import { badInput } from '../api/problems.ts';
import { DateTime } from '../api/scalars.ts';
import { PaymentStatus } from '../payments/payment.ts';
import { HOUR } from '../platform/units.ts';

@InputType({ description: 'Selects sales that meet every condition that is given' })
export class SalesFilter {
  @Field(() => ID, { nullable: true, description: 'Payments for reservations of this show' })
  showId?: string | null;

  @Field(() => ID, { nullable: true, description: 'Payments for reservations of the shows of this concert' })
  concertId?: string | null;

  @Field(() => ID, { nullable: true, description: 'Payments of this user' })
  userId?: string | null;

  @Field(() => PaymentStatus, { nullable: true, description: 'Payments with this status now' })
  status?: PaymentStatus | null;

  @Field(() => DateTime, { nullable: true, description: 'Payments made at this instant or later' })
  from?: Date | null;

  @Field(() => DateTime, { nullable: true, description: 'Payments made before this instant' })
  to?: Date | null;
}

/** A filter that was checked, with its instants as text: it can be kept and signed as JSON. */
export interface CheckedFilter {
  readonly showId?: string;
  readonly concertId?: string;
  readonly userId?: string;
  readonly status?: PaymentStatus;
  readonly from?: string;
  readonly to?: string;
}

/**
 * Checks a filter.
 * @param argument its path, as for `badInput`
 * @throws CallerError BAD_USER_INPUT for text that is no id, and for `to` before `from`
 */
export function checkFilter(argument: string, given: SalesFilter | null | undefined): CheckedFilter {
  const { showId, concertId, userId, status, from, to } = given ?? {};
  if (from && to && to < from) throw badInput(`${argument}.to`, 'must not be before from');
  return {
    ...(typeof showId === 'string' && { showId: idOf(`${argument}.showId`, showId) }),
    ...(typeof concertId === 'string' && { concertId: idOf(`${argument}.concertId`, concertId) }),
    ...(typeof userId === 'string' && { userId: idOf(`${argument}.userId`, userId) }),
    ...(status && { status }),
    ...(from && { from: from.toISOString() }),
    ...(to && { to: to.toISOString() }),
  };
}

/** SQL for the payments `p` that a filter selects. */
export interface SelectedSales {
  /** Begins the statement: nothing, or a `with` that the conditions refer to. */
  readonly head: string;
  readonly conditions: readonly string[];
}

/** SQL for the reservations `r` that a payment which took money can be for; many more lapsed without one. */
const PAID = `r.status in ('CONFIRMED', 'CANCELLED')`;

/** The longest time, in milliseconds, of which all payments may be looked at to find those of a show. */
const NARROW_MS = 24 * HOUR;

/**
 * Selects payments. Those of shows are found by the reservations of the shows; with a user, or within a day, there are few
 * others, and PostgreSQL chooses whether to look at these instead.
 * @param param adds a parameter to the statement and returns its name
 */
export function selectSales(filter: CheckedFilter, param: (value: unknown) => string): SelectedSales {
  const { userId, status, from, to } = filter;
  const conditions: string[] = [];
  if (userId !== undefined) conditions.push(`p.user_id = ${param(userId)}`);
  if (status !== undefined) conditions.push(`p.status = ${param(status)}`);
  if (from !== undefined) conditions.push(`p.created_at >= ${param(from)}::timestamptz`);
  if (to !== undefined) conditions.push(`p.created_at < ${param(to)}::timestamptz`);
  const ofShow = showConditions(filter, param);
  if (ofShow.length === 0) return { head: '', conditions };
  if (userId !== undefined || isNarrow(filter)) {
    const wanted = ['r.id = p.reservation_id', ...ofShow].join(' and ');
    return { head: '', conditions: [...conditions, `exists (select from reservation r where ${wanted})`] };
  }
  const isPaid = status === 'COMPLETED' || status === 'CANCELLED';
  const reservations = (isPaid ? [PAID] : [`r.status <> 'HELD'`, `r.status = 'HELD'`]).map(
    (condition) => `select r.id from reservation r where ${[...ofShow, condition].join(' and ')}`,
  );
  return {
    // Without `materialized` PostgreSQL may walk through all payments, in the hope that those of the show come soon.
    head: `with of_show as materialized (${reservations.join(' union all ')})`,
    conditions: [...conditions, 'p.reservation_id in (select id from of_show)'],
  };
}

function isNarrow({ from, to }: CheckedFilter): boolean {
  return from !== undefined && (to === undefined ? Date.now() : Date.parse(to)) - Date.parse(from) <= NARROW_MS;
}

function showConditions({ showId, concertId }: CheckedFilter, param: (value: unknown) => string): string[] {
  return [
    ...(showId === undefined ? [] : [`r.show_id = ${param(showId)}`]),
    ...(concertId === undefined
      ? []
      : [`r.show_id in (select s.id from show s where s.concert_id = ${param(concertId)})`]),
  ];
}
