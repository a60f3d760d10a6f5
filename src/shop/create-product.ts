import { Field, InputType, Int } from 'type-graphql';
import type { Context } from '../api/context.ts';
import { textOf, within } from '../api/input.ts';
import { Money } from '../api/scalars.ts';
import { newId } from '../platform/ids.ts';
import { sqlRow } from '../platform/postgres.ts';
import { PRODUCT_COLUMNS, type Product, type ProductRow, toProduct } from './product.ts';
import { sortNameOf, wordsOf } from './product-words.ts';

@InputType()
export class CreateProductInput {
  @Field(() => String)
  name!: string;

  @Field(() => String, { defaultValue: '' })
  description!: string;

  @Field(() => String)
  category!: string;

  @Field(() => Money)
  price!: number;

  @Field(() => Int, { nullable: true })
  stock?: number | null;
}

const MOST_PRICE = 1_000_000_000;

/** Most of one product that can be in stock. */
export const MOST_STOCK = 1_000_000_000;

/** @throws CallerError BAD_USER_INPUT: name 1..200 characters, category 1..100, price and stock 0..1,000,000,000 */
export async function createProduct(context: Context, input: CreateProductInput): Promise<Product> {
  const name = textOf('name', input.name, 1, 200);
  const description = textOf('description', input.description, 0, 10_000);
  const category = textOf('category', input.category, 1, 100);
  const price = within('price', input.price, 0, MOST_PRICE);
  const stock = typeof input.stock === 'number' ? within('stock', input.stock, 0, MOST_STOCK) : null;
  const row = await sqlRow<ProductRow>(
    context.em,
    `insert into product as p (id, name, sort_name, description, words, category, price, made, stock)
     values ($1, $2, $3, $4, array_to_tsvector($5::text[]), $6, $7, $8::int, $8::int) returning ${PRODUCT_COLUMNS}`,
    [newId(), name, sortNameOf(name), description, wordsOf(name, description), category, price, stock],
  );
  return toProduct(row);
}
