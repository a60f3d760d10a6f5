import { Arg, Ctx, Directive, Extensions, FieldResolver, ID, Int, Mutation, Query, Resolver, Root } from 'type-graphql';
import { isOperator } from '../accounts/is-operator.ts';
import type { Connection } from '../api/connection.ts';
import { type Context, load, PUBLIC } from '../api/context.ts';
import { DateTime } from '../api/scalars.ts';
import { CreateProductInput, createProduct } from './create-product.ts';
import { Product, ProductConnection } from './product.ts';
import {
  ProductFilter,
  ProductSort,
  readProduct,
  readProducts,
  type Shown,
  stocksOfProducts,
} from './read-products.ts';
import { RestockInput, RestockResult, restock } from './restock.ts';
import { UpdateProductInput, UpdateProductResult, updateProduct } from './update-product.ts';
import { WithdrawProductInput, withdrawProduct } from './withdraw-product.ts';

async function shownTo(context: Context): Promise<Shown> {
  return (await isOperator(context)) ? 'all' : 'for sale';
}

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

  @Directive('@operator')
  @FieldResolver(() => DateTime, { nullable: true, description: 'When it was withdrawn; null: it is for sale' })
  withdrawnAt(@Root() product: Product): Date | null {
    return product.withdrawnAt;
  }

  @Extensions(PUBLIC)
  @Query(() => ProductConnection)
  async products(
    @Arg('filter', () => ProductFilter, { nullable: true }) filter: ProductFilter | undefined,
    @Arg('sort', () => ProductSort, { defaultValue: 'NEWEST' }) sort: ProductSort,
    @Arg('first', () => Int, { defaultValue: 20 }) first: number,
    @Arg('after', () => String, { nullable: true }) after: string | undefined,
    @Ctx() context: Context,
  ): Promise<Connection<Product>> {
    return readProducts(context, await shownTo(context), filter, sort, first, after);
  }

  @Extensions(PUBLIC)
  @Query(() => Product, { nullable: true })
  async product(@Arg('id', () => ID) id: string, @Ctx() context: Context): Promise<Product | null> {
    return readProduct(context, await shownTo(context), id);
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
  @Mutation(() => UpdateProductResult, {
    description: 'Changes texts, price and limit per user of a product that are given',
  })
  updateProduct(
    @Arg('input', () => UpdateProductInput, { description: 'What to change' }) input: UpdateProductInput,
    @Ctx() context: Context,
  ) {
    return updateProduct(context, input);
  }

  @Directive('@operator')
  @Mutation(() => Product, {
    description: 'Hides it from buyers and ends its sale; orders placed before stand. Again: as it is',
  })
  withdrawProduct(
    @Arg('input', () => WithdrawProductInput, { description: 'Which product' }) input: WithdrawProductInput,
    @Ctx() context: Context,
  ): Promise<Product> {
    return withdrawProduct(context, input);
  }

  @Directive('@operator')
  @Mutation(() => RestockResult)
  restock(@Arg('input', () => RestockInput) input: RestockInput, @Ctx() context: Context) {
    return restock(context, input);
  }
}
