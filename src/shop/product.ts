import { BigIntType, type EntityManager } from '@mikro-orm/core';
import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, ID, ObjectType } from 'type-graphql';
import { connectionOf } from '../api/connection.ts';
import { Money } from '../api/scalars.ts';
import { prepared, sql } from '../platform/postgres.ts';

/** A row of `product`. Texts and price may come from a cache, the stock never does. */
@ObjectType()
@Entity({ tableName: 'product' })
export class Product {
  @Field(() => ID)
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @Field(() => String)
  @Property({ type: 'text' })
  name!: string;

  @Field(() => String)
  @Property({ type: 'text' })
  description!: string;

  @Field(() => String)
  @Property({ type: 'text' })
  category!: string;

  @Field(() => Money)
  @Property({ type: new BigIntType('number') })
  price!: number;

  /** How many there have ever been, sold or not; null for one made to order. */
  @Property({ type: new BigIntType('number'), nullable: true })
  made!: number | null;

  /** How many are left; null for one made to order, which never runs out. */
  @Property({ type: 'integer', nullable: true })
  stock!: number | null;

  /** How many could be taken now. */
  get available(): number {
    return this.stock ?? Number.POSITIVE_INFINITY;
  }

  /** Takes pieces out of stock. @throws RangeError for more than there are: the caller looks first */
  take(quantity: number): void {
    if (quantity > this.available) throw new RangeError('a product is never sold twice');
    if (this.stock !== null) this.stock -= quantity;
  }

  /** Puts pieces back that were taken. */
  giveBack(quantity: number): void {
    if (this.stock !== null) this.stock += quantity;
  }

  /** Adds newly made pieces, or takes away what was made too much. @throws RangeError for more than there are */
  restock(quantity: number): void {
    if (this.stock === null || this.made === null) throw new RangeError('a product made to order has no stock');
    if (this.stock + quantity < 0) throw new RangeError('a stock is never below 0');
    this.stock += quantity;
    this.made += quantity;
  }
}

/** Writes the stocks of products that are locked. @throws Error when one is not as it was read */
export async function writeProducts(
  em: EntityManager,
  products: readonly { readonly before: Product; readonly after: Product }[],
): Promise<void> {
  const written = await sql(
    em,
    prepared(`update product p set stock = u.after, made = u.made
     from unnest($1::uuid[], $2::int[], $3::int[], $4::bigint[]) as u (id, before, after, made)
     where p.id = u.id and p.stock = u.before returning p.id`),
    [
      products.map(({ before }) => before.id),
      products.map(({ before }) => before.stock),
      products.map(({ after }) => after.stock),
      products.map(({ after }) => after.made),
    ],
  );
  if (written.length < products.length) throw new Error('products were not as they were read');
}

export const ProductConnection = connectionOf('Product', Product);

/** Columns of a Product over `product p`. */
export const PRODUCT_COLUMNS = 'p.id, p.name, p.description, p.category, p.price::float8 as price';

/** A row of `PRODUCT_COLUMNS`, or what a cache kept of one. */
export type ProductRow = Pick<Product, 'id' | 'name' | 'description' | 'category' | 'price'>;

export function toProduct(row: ProductRow): Product {
  return Object.assign(new Product(), row);
}
