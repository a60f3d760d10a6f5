import { BigIntType, type EntityManager, Type } from '@mikro-orm/core';
import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, ID, Int, ObjectType } from 'type-graphql';
import { Cacheable } from '../api/cacheable.ts';
import { connectionOf } from '../api/connection.ts';
import { Problem, type Refusal, sentenceOf } from '../api/problems.ts';
import { Money } from '../api/scalars.ts';
import type { EventsOf, NewEvent } from '../commands/event-types.ts';
import { newId } from '../platform/ids.ts';
import { prepared, sql } from '../platform/postgres.ts';

/** Characters of a word that a search compares; longer words are cut, so that each fits into an index. */
const MAX_WORD_CHARACTERS = 100;

/** Characters of a name that decide its place in a list sorted by name. */
const MAX_SORTED_CHARACTERS = 200;

/**
 * The words of texts, each once: runs of letters, digits and marks, with differences of case and width removed. They
 * are made here and not by PostgreSQL, so that the results of a search do not depend on the database's locale.
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

/** A column of type tsvector without positions, written from its words and never read back. */
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

/** The fields of a new product that an operator sets. */
export interface ProductTexts {
  readonly name: string;
  readonly description: string;
  readonly category: string;
  /** In minor units. */
  readonly price: number;
  /** Most pieces that one user orders; null for no limit. */
  readonly maxPerUser: number | null;
  /** In pieces; null for a product made to order. */
  readonly stock: number | null;
}

/** A row of `product`. Texts and price may come from a cache; the stock never does. */
@ObjectType({ description: 'Something that is sold in pieces' })
@Entity({ tableName: 'product' })
export class Product {
  @Cacheable()
  @Field(() => ID, { description: 'Id of the product' })
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @Cacheable()
  @Field(() => String, { description: 'Name of the product' })
  @Property({ type: 'text' })
  name!: string;

  /** Sorts products by name: the characters of the name by code point, without differences of case. */
  @Property({ type: 'text', lazy: true })
  sortName?: string;

  /** The words by which a search finds it. */
  @Property({ type: Words, lazy: true })
  words?: string[];

  @Cacheable()
  @Field(() => String, { description: 'Text about the product; may be empty' })
  @Property({ type: 'text' })
  description!: string;

  @Cacheable()
  @Field(() => String, { description: 'The category that it is found under' })
  @Property({ type: 'text' })
  category!: string;

  @Cacheable()
  @Field(() => Money, { description: 'Price of one piece' })
  @Property({ type: new BigIntType('number') })
  price!: number;

  @Cacheable()
  @Field(() => Int, {
    nullable: true,
    description:
      'Most pieces that one user buys and orders, not counting those that were given back; null for no limit',
  })
  @Property({ type: 'integer', nullable: true })
  maxPerUser!: number | null;

  /** When an operator withdrew it; null: it is for sale. */
  @Property({ type: 'datetime', columnType: 'timestamptz', nullable: true })
  withdrawnAt!: Date | null;

  /** Number of pieces made so far, sold or not; null for a product made to order. */
  @Property({ type: new BigIntType('number'), nullable: true })
  made!: number | null;

  /** Number of pieces that can still be ordered; null for a product made to order, which never runs out. */
  @Property({ type: 'integer', nullable: true })
  stock!: number | null;

  /** Makes a new product, which the caller inserts; its whole stock counts as made. */
  static make({ stock, ...texts }: ProductTexts): Product {
    const product = Object.assign(new Product(), { id: newId(), stock, made: stock, withdrawnAt: null });
    product.mend(texts);
    return product;
  }

  /** Changes the texts, the price and the limit that are given, and by what it is sorted and found. */
  mend(texts: Partial<Omit<ProductTexts, 'stock'>>): void {
    Object.assign(this, texts);
    this.sortName = [...this.name.toLowerCase()].slice(0, MAX_SORTED_CHARACTERS).join('');
    const words = wordsOf(this.name, this.description);
    if (words.join(' ') !== this.words?.join(' ')) this.words = words;
  }

  /** Number of pieces that can be taken now; infinite for a product made to order. */
  get available(): number {
    return this.stock ?? Number.POSITIVE_INFINITY;
  }

  /** Takes pieces out of the stock. @throws RangeError for more than are available: the caller checks first */
  take(quantity: number): void {
    if (quantity > this.available) throw new RangeError('a product is never sold twice');
    if (this.stock !== null) this.stock -= quantity;
  }

  /** Puts pieces back into the stock that were taken. */
  giveBack(quantity: number): void {
    if (this.stock !== null) this.stock += quantity;
  }

  /**
   * Adds newly made pieces to the stock, or takes away pieces that were made too much.
   * @param quantity in pieces; below 0 to take away
   * @throws RangeError for a product made to order, and when more would be taken away than are in stock
   */
  restock(quantity: number): void {
    if (this.stock === null || this.made === null) throw new RangeError('a product made to order has no stock');
    if (this.stock + quantity < 0) throw new RangeError('a stock is never below 0');
    this.stock += quantity;
    this.made += quantity;
  }
}

/** A locked product as it was read and as it is now. */
interface ChangedProduct {
  readonly before: Product;
  readonly after: Product;
}

/** Writes locked products. @throws Error when a row is no longer as it was read */
export async function writeProducts(em: EntityManager, products: readonly ChangedProduct[]): Promise<void> {
  const moved = products.filter(({ before, after }) => before.stock !== after.stock || before.made !== after.made);
  if (moved.length > 0) await writeStocks(em, moved);
  for (const { before, after } of products) {
    const isMended = after.words !== undefined || before.withdrawnAt !== after.withdrawnAt;
    if (isMended) await writeTexts(em, after);
  }
}

/** Writes the texts, the price and the limit of a product that was mended; of one that was only withdrawn, that. */
async function writeTexts(em: EntityManager, product: Product): Promise<void> {
  const { id, name, sortName, words, description, category, price, maxPerUser, withdrawnAt } = product;
  const texts = { name, sortName, words, description, category, price, maxPerUser };
  await em.nativeUpdate(Product, { id }, { ...(words && texts), withdrawnAt } as never);
}

/**
 * Writes the stocks of products as differences, so that the constraints of the table check the stored values.
 */
async function writeStocks(em: EntityManager, products: readonly ChangedProduct[]): Promise<void> {
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

@ObjectType({ description: 'A product of which less is in stock than is taken' })
export class StockShortage {
  @Field(() => ID, { description: 'Id of the product' })
  productId!: string;

  @Field(() => Int, { description: 'How many pieces were to be taken' })
  requested!: number;

  @Field(() => Int, { description: 'How many pieces are in stock' })
  available!: number;
}

@ObjectType({
  implements: Problem,
  description: '`INSUFFICIENT_STOCK`: less is in stock than is taken; nothing was taken',
})
export class InsufficientStock extends Problem {
  @Field(() => [StockShortage], { description: 'Every product of which there is too little' })
  shortages!: StockShortage[];
}

export type StockRefusal = InsufficientStock | Refusal;

export function insufficientStock(shortages: StockShortage[]): InsufficientStock {
  return Object.assign(new InsufficientStock(), sentenceOf('INSUFFICIENT_STOCK'), { shortages });
}

export const ProductConnection = connectionOf('Product', Product);

/** The events of a product whose stock has changed, or that an operator has mended or withdrawn. */
export const eventsOfProduct: EventsOf<Product> = ({ before, after }) => {
  if (!before) return [];
  const { id, stock, price, words, withdrawnAt } = after;
  const events: NewEvent[] = [];
  if (before.stock !== stock && stock !== null) events.push(stockChanged(id, stock));
  if (before.words !== words)
    events.push({ type: 'product.changed.v1', aggregate: id, data: { productId: id, price } });
  if (withdrawnAt !== null && before.withdrawnAt !== withdrawnAt) {
    const data = { productId: id, withdrawnAt: withdrawnAt.toISOString() };
    events.push({ type: 'product.withdrawn.v1', aggregate: id, data });
  }
  return events;
};

/** The event that tells a product's stock. */
export function stockChanged(productId: string, stock: number): NewEvent {
  return { type: 'stock.changed.v1', aggregate: productId, data: { productId, stock } };
}
