import { Field, Int, ObjectType } from 'type-graphql';
import type { Context } from '../api/context.ts';
import { idOf, within } from '../api/input.ts';
import { notFound } from '../api/problems.ts';
import { DateTime, Money } from '../api/scalars.ts';
import { Show } from '../concerts/show.ts';
import { sql } from '../platform/postgres.ts';
import { widthOf } from '../platform/widths.ts';
import { foldedUntil, isUnfolded } from './show-stats.ts';

@ObjectType({ description: 'What happened to a show in some minutes' })
export class SalesHistoryPoint {
  @Field(() => DateTime, { description: 'Begin of the first of the minutes' })
  at!: Date;

  @Field(() => Int, { description: 'How many minutes it is wide: the same for all points of an answer' })
  minutes!: number;

  @Field(() => Int, {
    description: 'Seats that were paid for in these minutes, whether or not they were refunded since',
  })
  sold!: number;

  @Field(() => Int, {
    nullable: true,
    description: 'Seats held at the end of these minutes; null where nobody counted',
  })
  held!: number | null;

  @Field(() => Int, {
    nullable: true,
    description: 'Seats that could be reserved at the end of these minutes; null where nobody counted',
  })
  free!: number | null;

  @Field(() => Money, { description: 'What was paid in these minutes' })
  revenue!: number;

  @Field(() => Money, { description: 'What was refunded in these minutes, whenever it was paid' })
  refunds!: number;

  @Field(() => Int, { description: 'Payments that FAILED in these minutes' })
  failedPayments!: number;
}

/** The longest past of an answer, in minutes: 30 days. */
const MAX_MINUTES = 43_200;

/** SQL for the begin of the first of so many points that the last minutes take; $2 is these minutes, $3 the width. */
const SINCE = `(select date_bin(make_interval(mins => $3), clock_timestamp(), timestamptz 'epoch')
  - make_interval(mins => $3 * (ceil($2::numeric / $3) - 1)::int))`;

/**
 * What happened to a show in the last `minutes`, the present one included: points for the times in which something did,
 * oldest first, in one snapshot.
 * @throws CallerError NOT_FOUND for an unknown show; BAD_USER_INPUT unless minutes is 1 .. 43,200
 */
export async function readSalesHistory(context: Context, id: string, minutes: number): Promise<SalesHistoryPoint[]> {
  const showId = idOf('showId', id);
  const width = widthOf(within('minutes', minutes, 1, MAX_MINUTES));
  if (!(await context.em.findOne(Show, { id: showId }))) throw notFound('show');
  const rows = await sql<SalesHistoryPoint>(
    context.em,
    `with change as (
       select minute as at, sold, revenue, refunds, failed, held, free from show_minute
       where show_id = $1 and minute >= ${SINCE}
       union all
       select at, sold, revenue, refunds, failed, null, null from show_change
       where show_id = $1 and ${isUnfolded('$4')} and at >= ${SINCE}
     )
     select date_bin(make_interval(mins => $3), at, timestamptz 'epoch') as at, $3::int as minutes, sum(sold)::int as sold,
       (array_agg(held order by at desc) filter (where held is not null))[1] as held,
       (array_agg(free order by at desc) filter (where free is not null))[1] as free,
       sum(revenue)::bigint as revenue, sum(refunds)::bigint as refunds, sum(failed)::int as "failedPayments"
     from change group by 1 order by 1`,
    [showId, minutes, width, await foldedUntil(context.em)],
  );
  return rows.map((row) => Object.assign(new SalesHistoryPoint(), row));
}
