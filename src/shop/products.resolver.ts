import { Arg, Ctx, Directive, Extensions, FieldResolver, ID, Int, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { Connection } from '../api/connection.ts';
import { type Context, load, PUBLIC } from '../api/context.ts';
import { idOf } from '../api/input.ts';
import { CreateProductInput, createProduct } from './create-product.ts';
import { Product, ProductConnection } from './product.ts';
import { ProductFilter, ProductSort, productsById, readProducts, stocksOfProducts } from './read-products.ts';
import { RestockInput, RestockResult, restock } from './restock.ts';

@Resolver(() => Product)
export class ProductsResolver {
  @FieldResolver(() => Int, { nullable: true, description: 'null: made to order, never runs out' })
  stock(@Root() product: Product, @Ctx() context: Context): Promise<number | null> {
    return load(context, stocksOfProducts, product.id);
  }

  @FieldResolver(() => Boolean)
  async soldOut(@Root() product: Product, @Ctx() context: Context): Promise<boolean> {
    return (await load(context, stocksOfProducts, product.id)) === 0;
  }

  @Extensions(PUBLIC)
  @Query(() => ProductConnection)
  products(
    @Arg('filter', () => ProductFilter, { nullable: true }) filter: ProductFilter | undefined,
    @Arg('sort', () => ProductSort, { defaultValue: 'NEWEST' }) sort: ProductSort,
    @Arg('first', () => Int, { defaultValue: 20 }) first: number,
    @Arg('after', () => String, { nullable: true }) after: string | undefined,
    @Ctx() context: Context,
  ): Promise<Connection<Product>> {
    return readProducts(context, filter, sort, first, after);
  }

  @Extensions(PUBLIC)
  @Query(() => Product, { nullable: true })
  product(@Arg('id', () => ID) id: string, @Ctx() context: Context): Promise<Product | null> {
    return load(context, productsById, idOf('id', id));
  }

  @Directive('@operator')
  @Mutation(() => Product)
  createProduct(
    @Arg('input', () => CreateProductInput) input: CreateProductInput,
    @Ctx() context: Context,
  ): Promise<Product> {
    return createProduct(context, input);
  }

  @Directive('@operator')
  @Mutation(() => RestockResult)
  restock(@Arg('input', () => RestockInput) input: RestockInput, @Ctx() context: Context) {
    return restock(context, input);
  }
}
