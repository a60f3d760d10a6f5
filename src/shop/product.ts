import { BigIntType, type EntityManager, Type } from '@mikro-orm/core';
import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, ID, Int, ObjectType } from 'type-graphql';
import { connectionOf } from '../api/connection.ts';
import { Problem, type Refusal, sentenceOf } from '../api/problems.ts';
import { Money } from '../api/scalars.ts';
import { newId } from '../platform/ids.ts';
import { prepared, sql } from '../platform/postgres.ts';

/** A word of a text is found by its first characters; longer ones are cut, so that each fits into an index. */
const MAX_WORD_CHARACTERS = 100;

/** How many characters of a name decide about its place. */
const MAX_SORTED_CHARACTERS = 200;

/**
 * The words of texts: runs of letters, digits and marks, in one spelling whatever the case or width they were written
 * in, each once. Made here and not by PostgreSQL, so that a search finds the same whatever the database's locale.
 */
export function wordsOf(...texts: readonly string[]): string[] {
  const words = texts.flatMap(
    (text) =>
      text
        .normalize('NFKC')
        .toLowerCase()
        .match(/[\p{L}\p{N}\p{M}]+/gu) ?? [],
  );
  return [...new Set(words.map((word) => [...word].slice(0, MAX_WORD_CHARACTERS).join('')))];
}

/** A tsvector without positions, written from its words. It is never read. */
class Words extends Type<string[], string> {
  override convertToDatabaseValue(words: string[]): string {
    return `{${words.map((word) => JSON.stringify(word)).join(',')}}`;
  }

  override convertToDatabaseValueSQL(key: string): string {
    return `array_to_tsvector(${key}::text[])`;
  }

  override getColumnType(): string {
    return 'tsvector';
  }
}

/** What an operator says of a new product. */
export interface ProductTexts {
  readonly name: string;
  readonly description: string;
  readonly category: string;
  /** In minor units. */
  readonly price: number;
  /** Null: made to order. */
  readonly stock: number | null;
}

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

  /** What the name is sorted by: its characters by code point, upper and lower case as one. */
  @Property({ type: 'text', lazy: true })
  sortName?: string;

  /** By which a search finds it. */
  @Property({ type: Words, lazy: true })
  words?: string[];

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

  /** A new product, to be inserted; all of its stock is newly made. */
  static make({ name, description, stock, ...texts }: ProductTexts): Product {
    return Object.assign(new Product(), {
      ...{ ...texts, name, description, stock },
      id: newId(),
      sortName: [...name.toLowerCase()].slice(0, MAX_SORTED_CHARACTERS).join(''),
      words: wordsOf(name, description),
      made: stock,
    });
  }

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

/**
 * Writes the stocks of products that are locked, as differences, so that the constraints of the table judge what is there.
 * @throws Error when one is not as it was read
 */
export async function writeProducts(
  em: EntityManager,
  products: readonly { readonly before: Product; readonly after: Product }[],
): Promise<void> {
  const written = await sql(
    em,
    prepared(`update product p set stock = p.stock + u.more, made = p.made + u.made
     from unnest($1::uuid[], $2::int[], $3::int[], $4::bigint[]) as u (id, before, more, made)
     where p.id = u.id and p.stock = u.before returning p.id`),
    [
      products.map(({ before }) => before.id),
      products.map(({ before }) => before.stock),
      products.map(({ before, after }) => Number(after.stock) - Number(before.stock)),
      products.map(({ before, after }) => Number(after.made) - Number(before.made)),
    ],
  );
  if (written.length < products.length) throw new Error('products were not as they were read');
}

@ObjectType()
export class StockShortage {
  @Field(() => ID)
  productId!: string;

  @Field(() => Int)
  requested!: number;

  @Field(() => Int)
  available!: number;
}

@ObjectType({ implements: Problem })
export class InsufficientStock extends Problem {
  @Field(() => [StockShortage])
  shortages!: StockShortage[];
}

export type StockRefusal = InsufficientStock | Refusal;

export function insufficientStock(shortages: StockShortage[]): InsufficientStock {
  return Object.assign(new InsufficientStock(), sentenceOf('INSUFFICIENT_STOCK'), { shortages });
}

export const ProductConnection = connectionOf('Product', Product);
