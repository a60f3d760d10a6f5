import { Field, InputType, Int } from 'type-graphql';
import type { Context } from '../api/context.ts';
import { textOf, within } from '../api/input.ts';
import { Money } from '../api/scalars.ts';
import { run, type Verb } from '../commands/runner.ts';
import { Product, type ProductTexts } from './product.ts';

@InputType({ description: 'A new product' })
export class CreateProductInput {
  @Field(() => String, { description: '1 .. 200 characters' })
  name!: string;

  @Field(() => String, { defaultValue: '', description: 'At most 10,000 characters' })
  description!: string;

  @Field(() => String, { description: '1 .. 100 characters' })
  category!: string;

  @Field(() => Money, { description: 'Price of one piece, 0 .. 1,000,000,000' })
  price!: number;

  @Field(() => Int, { nullable: true, description: 'Most pieces for each user, 1 .. 1,000,000; null for no limit' })
  maxPerUser?: number | null;

  @Field(() => Int, {
    nullable: true,
    description: 'Pieces in stock, 0 .. 1,000,000,000; null for a product made to order, which never runs out',
  })
  stock?: number | null;
}

const MAX_PRICE = 1_000_000_000;
const MAX_PER_USER = 1_000_000;

/** Most pieces of one product in stock. */
export const MAX_STOCK = 1_000_000_000;

const CREATE_PRODUCT: Verb<ProductTexts, Product> = {
  name: 'createProduct',
  contends: () => [],
  locks: () => ({}),

  decide({ asked }, scene) {
    const product = Product.make(asked);
    scene.insert(product);
    return product;
  },
};

/**
 * Creates a product.
 * @returns the product
 * @throws CallerError BAD_USER_INPUT for what `checkProduct` refuses, and for a stock outside 0..1,000,000,000
 */
export async function createProduct(context: Context, input: CreateProductInput): Promise<Product> {
  const { name, description, category, price, maxPerUser = null } = input;
  checkProduct(input);
  const stock = typeof input.stock === 'number' ? within('input.stock', input.stock, 0, MAX_STOCK) : null;
  return (await run(context, CREATE_PRODUCT, { name, description, category, price, maxPerUser, stock })) as Product;
}

/**
 * Checks those texts of a product, its price and its limit, that are given.
 * @throws CallerError BAD_USER_INPUT for a name outside 1..200 characters, a category outside 1..100, a description of
 * more than 10,000, a price outside 0..1,000,000,000, and a limit outside 1..1,000,000
 */
export function checkProduct(texts: Partial<Omit<ProductTexts, 'stock'>>): void {
  const { name, description, category, price, maxPerUser } = texts;
  if (name !== undefined) textOf('input.name', name, 1, 200);
  if (description !== undefined) textOf('input.description', description, 0, 10_000);
  if (category !== undefined) textOf('input.category', category, 1, 100);
  if (price !== undefined) within('input.price', price, 0, MAX_PRICE);
  if (typeof maxPerUser === 'number') within('input.maxPerUser', maxPerUser, 1, MAX_PER_USER);
}
