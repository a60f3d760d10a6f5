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
import { type Context, load, PUBLIC } from '../api/context.ts';
import { BestSeller, bestSellerLists, readBestSellers } from './best-sellers.ts';
import { Product } from './product.ts';
import { productsById, productTexts } from './product-texts.ts';

@ObjectType({ description: 'How a cache is doing, over all processes, since Redis was last emptied' })
export class CacheStats {
  @Field(() => String)
  name!: string;

  @Field(() => Float, { description: 'Values that were found' })
  hits!: number;

  @Field(() => Float, { description: 'Values that were loaded from PostgreSQL' })
  misses!: number;

  @Field(() => Float, { nullable: true, description: 'hits / (hits + misses); null before the first' })
  hitRate!: number | null;
}

@Resolver(() => BestSeller)
export class BestSellersResolver {
  @FieldResolver(() => Product)
  product(@Root() seller: BestSeller, @Ctx() context: Context): Promise<Product | null> {
    return load(context, productsById, seller.productId);
  }

  @Extensions(PUBLIC)
  @Query(() => [BestSeller])
  bestSellers(
    @Arg('days', () => Int, { defaultValue: 3 }) days: number,
    @Arg('first', () => Int, { defaultValue: 5 }) first: number,
    @Ctx() context: Context,
  ): Promise<BestSeller[]> {
    return readBestSellers(context, days, first);
  }

  @Directive('@operator')
  @Query(() => [CacheStats], { description: 'What Redis keeps of the shop, and how often it was of use' })
  async cacheStats(@Ctx() { platform }: Context): Promise<CacheStats[]> {
    const counts = await Promise.all([productTexts(platform).counts(), bestSellerLists(platform).counts()]);
    return counts.map(({ name, hits, misses }) => {
      const hitRate = hits + misses > 0 ? hits / (hits + misses) : null;
      return Object.assign(new CacheStats(), { name, hits, misses, hitRate });
    });
  }
}
