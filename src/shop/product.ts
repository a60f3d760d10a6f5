import { Field, ID, ObjectType } from 'type-graphql';
import { connectionOf } from '../api/connection.ts';
import { Money } from '../api/scalars.ts';

/** What everybody reads of a product, and what may come from the cache; its stock never does. */
@ObjectType()
export class Product {
  @Field(() => ID)
  id!: string;

  @Field(() => String)
  name!: string;

  @Field(() => String)
  description!: string;

  @Field(() => String)
  category!: string;

  @Field(() => Money)
  price!: number;
}

export const ProductConnection = connectionOf('Product', Product);

/** Columns of a Product over `product p`. */
export const PRODUCT_COLUMNS = 'p.id, p.name, p.description, p.category, p.price::float8 as price';

/** A row of `PRODUCT_COLUMNS`, or what a cache kept of one. */
export type ProductRow = Pick<Product, 'id' | 'name' | 'description' | 'category' | 'price'>;

export function toProduct(row: ProductRow): Product {
  return Object.assign(new Product(), row);
}
