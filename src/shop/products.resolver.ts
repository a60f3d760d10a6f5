import {
  Arg,
  Args,
  Ctx,
  Directive,
  Extensions,
  FieldResolver,
  ID,
  Int,
  Mutation,
  Query,
  Resolver,
  Root,
} from 'type-graphql';
import { isOperator } from '../accounts/is-operator.ts';
import { Cacheable } from '../api/cacheable.ts';
import { type Connection, PageArgs } from '../api/connection.ts';
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
  @FieldResolver(() => Int, {
    nullable: true,
    description: 'Pieces that can still be ordered; null for a product made to order, which never runs out',
  })
  stock(@Root() product: Product, @Ctx() context: Context): Promise<number | null> {
    return load(context, stocksOfProducts, product.id);
  }

  @FieldResolver(() => Boolean, { description: 'Whether no piece can be ordered now' })
  async soldOut(@Root() product: Product, @Ctx() context: Context): Promise<boolean> {
    return (await load(context, stocksOfProducts, product.id)) === 0;
  }

  @Directive('@operator')
  @FieldResolver(() => DateTime, {
    nullable: true,
    description: 'When an operator withdrew it; null while it is for sale',
  })
  withdrawnAt(@Root() product: Product): Date | null {
    return product.withdrawnAt;
  }

  @Extensions(PUBLIC)
  @Cacheable(10)
  @Query(() => ProductConnection, {
    description:
      'Products. Only operators get those that were withdrawn. Error: `BAD_USER_INPUT` for a filter out of its bounds',
  })
  async products(
    @Arg('filter', () => ProductFilter, { nullable: true, description: 'Which products; all if left out' }) filter:
      | ProductFilter
      | undefined,
    @Arg('sort', () => ProductSort, { defaultValue: 'NEWEST', description: 'Order of the products' }) sort: ProductSort,
    @Args(() => PageArgs) args: PageArgs,
    @Ctx() context: Context,
  ): Promise<Connection<Product>> {
    return readProducts(context, await shownTo(context), filter, sort, args);
  }

  @Extensions(PUBLIC)
  @Cacheable(10)
  @Query(() => Product, {
    nullable: true,
    description: 'A product; null for an unknown id. Only operators get a product that was withdrawn',
  })
  async product(
    @Arg('id', () => ID, { description: 'Id of the product' }) id: string,
    @Ctx() context: Context,
  ): Promise<Product | null> {
    return readProduct(context, await shownTo(context), id);
  }

  @Directive('@operator')
  @Mutation(() => Product, {
    description: 'Makes a product. Answers the product. Error: `BAD_USER_INPUT` for input out of its bounds',
  })
  createProduct(
    @Arg('input', () => CreateProductInput, { description: 'The product' }) input: CreateProductInput,
    @Ctx() context: Context,
  ): Promise<Product> {
    return createProduct(context, input);
  }

  @Directive('@operator')
  @Mutation(() => UpdateProductResult, {
    description: `Changes what is given of a product. Answers the product. Refused: \`WITHDRAWN\`. Errors: \`NOT_FOUND\` for an unknown
product; \`BAD_USER_INPUT\` for input out of its bounds, and null but in \`maxPerUser\``,
  })
  updateProduct(
    @Arg('input', () => UpdateProductInput, { description: 'What to change' }) input: UpdateProductInput,
    @Ctx() context: Context,
  ) {
    return updateProduct(context, input);
  }

  @Directive('@operator')
  @Mutation(() => Product, {
    description: `Hides a product from buyers and ends its sale, for good; orders that were placed stand. Answers the product; one that
was withdrawn before as it is. Error: \`NOT_FOUND\` for an unknown product`,
  })
  withdrawProduct(
    @Arg('input', () => WithdrawProductInput, { description: 'The product' }) input: WithdrawProductInput,
    @Ctx() context: Context,
  ): Promise<Product> {
    return withdrawProduct(context, input);
  }

  @Directive('@operator')
  @Mutation(() => RestockResult, {
    description: `Adds pieces to the stock of a product, or takes some away. Answers the product. Refused: \`INSUFFICIENT_STOCK\` when
more is taken away than there is; \`IDEMPOTENCY_CONFLICT\`. Errors: \`NOT_FOUND\` for an unknown product; \`BAD_USER_INPUT\`
for a quantity or a stock out of its bounds, and for a product made to order. The key replays, refusals too, and is
kept for 24 hours`,
  })
  restock(
    @Arg('input', () => RestockInput, { description: 'The product and the number of pieces' }) input: RestockInput,
    @Ctx() context: Context,
  ) {
    return restock(context, input);
  }
}
