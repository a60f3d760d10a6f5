import { Field, Int, ObjectType } from 'type-graphql';
import type { Context } from '../api/context.ts';
import { within } from '../api/input.ts';
import { Money } from '../api/scalars.ts';
import { forkOf, type Platform, perProcess } from '../platform/platform.ts';
import { sql } from '../platform/postgres.ts';
import { SharedCache } from '../platform/shared-cache.ts';
import { SECOND } from '../platform/units.ts';

@ObjectType({
  description:
    'What sold best in the last `days` calendar days including today, by quantity in orders paid and not cancelled; ties by product id',
})
export class BestSeller {
  @Field(() => Int)
  rank!: number;

  productId!: string;

  @Field(() => Int)
  quantity!: number;

  @Field(() => Money)
  revenue!: number;
}

const MOST_DAYS = 366;
const MOST_RANKS = 100;

/** How long a list is told that should have been forgotten: by midnight, or by a word that was lost. */
const MOST_STALE_MS = 2 * SECOND;

/** Lists by number of days, each with as many ranks as can be asked for. */
export const bestSellerLists = perProcess(
  (platform) =>
    new SharedCache<BestSeller[]>(platform, 'best-sellers', MOST_STALE_MS, async (keys) => {
      const lists = await Promise.all(keys.map((days) => count(platform, Number(days))));
      return new Map(keys.map((days, index) => [days, lists[index] as BestSeller[]]));
    }),
);

/**
 * Ranks by what `sale` has counted by day and what is not yet added to it, which is about a second of sales: the work does
 * not grow with the orders.
 * @param days of the calendar of TIME_ZONE, today included, 1..366
 * @param first 1..100
 * @throws CallerError BAD_USER_INPUT for numbers outside of these
 */
export async function readBestSellers({ platform }: Context, days: number, first: number): Promise<BestSeller[]> {
  within('days', days, 1, MOST_DAYS);
  within('first', first, 1, MOST_RANKS);
  const lists = await bestSellerLists(platform).read([String(days)]);
  return (lists.get(String(days)) ?? []).slice(0, first).map((row) => Object.assign(new BestSeller(), row));
}

/** After the commit of what was sold or taken back. Never throws. */
export function forgetBestSellers(platform: Platform): Promise<void> {
  return bestSellerLists(platform).forget();
}

/** Today is asked once, so that the days are found by an index: a volatile function in its place would be for every row. */
function count(platform: Platform, days: number): Promise<BestSeller[]> {
  return sql<BestSeller>(
    forkOf(platform),
    `with today as materialized (select (clock_timestamp() at time zone $1)::date as date)
     select (row_number() over (order by sum(quantity) desc, product_id))::int as rank, product_id as "productId",
       sum(quantity)::float8 as quantity, sum(revenue)::float8 as revenue
     from sale_so_far
     where day > (select date from today) - $2::int and day <= (select date from today)
     group by product_id having sum(quantity) > 0 order by rank limit $3`,
    [platform.config.TIME_ZONE, days, MOST_RANKS],
  );
}
