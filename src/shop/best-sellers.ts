import {
  Arg,
  Ctx,
  Directive,
  Extensions,
  Field,
  FieldResolver,
  Float,
  Int,
  ObjectType,
  Query,
  Resolver,
  Root,
} from 'type-graphql';
import { Cacheable } from '../api/cacheable.ts';
import { type Context, load, PUBLIC } from '../api/context.ts';
import { within } from '../api/input.ts';
import { Money } from '../api/scalars.ts';
import { forkOf, type Platform, perProcess } from '../platform/platform.ts';
import { sql } from '../platform/postgres.ts';
import { SharedCache } from '../platform/shared-cache.ts';
import { SECOND } from '../platform/units.ts';
import { Product } from './product.ts';
import { productsById, productTexts } from './read-products.ts';

@ObjectType({
  description: `A rank of the products that sold best, by pieces of paid orders, not counting those that were given back; equal ones
are in the order of their ids. Products that were withdrawn are left out`,
})
export class BestSeller {
  @Cacheable()
  @Field(() => Int, { description: '1 for the product that sold best' })
  rank!: number;

  productId!: string;

  @Cacheable()
  @Field(() => Int, { description: 'Pieces that were sold' })
  quantity!: number;

  @Cacheable()
  @Field(() => Money, { description: 'What they cost before any discount' })
  revenue!: number;
}

@ObjectType({ description: 'How a cache is doing, counted over all processes since Redis was last emptied' })
export class CacheStats {
  @Field(() => String, { description: 'Name of the cache' })
  name!: string;

  @Field(() => Float, { description: 'Values that were found' })
  hits!: number;

  @Field(() => Float, { description: 'Values that were loaded from PostgreSQL' })
  misses!: number;

  @Field(() => Float, { nullable: true, description: 'hits / (hits + misses); null before the first' })
  hitRate!: number | null;
}

const MAX_DAYS = 366;
const MAX_RANKS = 100;

/** Milliseconds for which a list may be stale: after midnight, or when its invalidation was lost. */
const MAX_STALE_MS = 2 * SECOND;

/** Caches lists by number of days, each with the most ranks that a request may ask for. */
export const bestSellerLists = perProcess(
  (platform) =>
    new SharedCache<BestSeller[]>(platform, 'best-sellers', MAX_STALE_MS, async (keys) => {
      const lists = await Promise.all(keys.map((days) => count(platform, Number(days))));
      return new Map(keys.map((days, index) => [days, lists[index] as BestSeller[]]));
    }),
);

/**
 * Ranks products by the rows of `sale`, which count sales by day, and the changes not yet added to them, which are
 * about a second of sales: the work does not grow with the number of orders.
 * @param days calendar days in TIME_ZONE, today included, 1..366
 * @param first number of ranks, 1..100
 * @throws CallerError BAD_USER_INPUT for numbers outside these bounds
 */
export async function readBestSellers({ platform }: Context, days: number, first: number): Promise<BestSeller[]> {
  within('days', days, 1, MAX_DAYS);
  within('first', first, 1, MAX_RANKS);
  const lists = await bestSellerLists(platform).read([String(days)]);
  return (lists.get(String(days)) ?? []).slice(0, first).map((row) => Object.assign(new BestSeller(), row));
}

/** Invalidates the lists, after the commit of a sale or a refund. Never throws. */
export function forgetBestSellers(platform: Platform): Promise<void> {
  return bestSellerLists(platform).forget();
}

/**
 * Counts sales. Reads today's date once, so that an index finds the days; a volatile function would run for every row.
 */
async function count(platform: Platform, days: number): Promise<BestSeller[]> {
  const em = forkOf(platform);
  const gone = await sql<{ id: string }>(em, 'select id from product where withdrawn_at is not null');
  return sql<BestSeller>(
    em,
    `with today as materialized (select (clock_timestamp() at time zone $1)::date as date)
     select (row_number() over (order by sum(quantity) desc, product_id))::int as rank, product_id as "productId",
       sum(quantity)::bigint as quantity, sum(revenue)::bigint as revenue
     from sale_so_far
     where day > (select date from today) - $2::int and day <= (select date from today)
       and product_id <> all($4)
     group by product_id having sum(quantity) > 0 order by rank limit $3`,
    [platform.config.TIME_ZONE, days, MAX_RANKS, gone.map(({ id }) => id)],
  );
}

@Resolver(() => BestSeller)
export class BestSellersResolver {
  @Cacheable()
  @FieldResolver(() => Product, { description: 'The product' })
  product(@Root() seller: BestSeller, @Ctx() context: Context): Promise<Product | null> {
    return load(context, productsById, seller.productId);
  }

  @Extensions(PUBLIC)
  @Cacheable(MAX_STALE_MS / SECOND)
  @Query(() => [BestSeller], {
    description:
      'What sold best in the last `days` calendar days, today included, best first. Error: `BAD_USER_INPUT` for numbers out of their bounds',
  })
  bestSellers(
    @Arg('days', () => Int, {
      defaultValue: 3,
      description: 'Calendar days in `Settings.timeZone`, today included: 1 .. 366',
    })
    days: number,
    @Arg('first', () => Int, { defaultValue: 5, description: 'How many ranks, 1 .. 100' }) first: number,
    @Ctx() context: Context,
  ): Promise<BestSeller[]> {
    return readBestSellers(context, days, first);
  }

  @Directive('@operator')
  @Query(() => [CacheStats], { description: 'The caches of the shop in Redis, and how often they were of use' })
  async cacheStats(@Ctx() { platform }: Context): Promise<CacheStats[]> {
    const counts = await Promise.all([productTexts(platform).counts(), bestSellerLists(platform).counts()]);
    return counts.map(({ name, hits, misses }) => {
      const hitRate = hits + misses > 0 ? hits / (hits + misses) : null;
      return Object.assign(new CacheStats(), { name, hits, misses, hitRate });
    });
  }
}
