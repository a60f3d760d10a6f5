import type { EntityManager } from '@mikro-orm/core';
import { Field, ID, InputType, Int } from 'type-graphql';
import { type Context, callerOf } from '../api/context.ts';
import { idempotencyKeyOf, idOf, within } from '../api/input.ts';
import { badInput, keptRefusal, notFound, restoreRefusal } from '../api/problems.ts';
import type { KeptAnswer } from '../legacy/idempotency.ts';
import { lockProducts } from '../legacy/lock-order.ts';
import { once } from '../legacy/once.ts';
import { sql, sqlRow } from '../platform/postgres.ts';
import { transact } from '../platform/transact.ts';
import { MOST_STOCK } from './create-product.ts';
import { freeWanted } from './free-wanted.ts';
import { PRODUCT_COLUMNS, type Product, type ProductRow, toProduct } from './product.ts';
import { InsufficientStock, insufficientStock, type StockRefusal } from './shop-problems.ts';

@InputType()
export class RestockInput {
  @Field(() => ID)
  productId!: string;

  @Field(() => Int, { description: 'Added to the stock; may be negative, never below zero in all' })
  quantity!: number;

  @Field(() => ID)
  idempotencyKey!: string;
}

/**
 * Adds to the stock of a product, or takes away what was made too much, once for each key.
 * @returns the Product; InsufficientStock when less is there than is to be taken away; IDEMPOTENCY_CONFLICT
 * @throws CallerError NOT_FOUND for an unknown product; BAD_USER_INPUT for a quantity of 0 or outside of
 * +-1,000,000,000, for more than that in stock, and for a product made to order, which has no stock
 */
export async function restock(context: Context, input: RestockInput): Promise<Product | StockRefusal> {
  const productId = idOf('productId', input.productId);
  const quantity = within('quantity', input.quantity, -MOST_STOCK, MOST_STOCK);
  if (quantity === 0) throw badInput('quantity must not be 0.');
  const key = {
    userId: callerOf(context).id,
    mutation: 'restock',
    key: idempotencyKeyOf(input.idempotencyKey),
    input: { productId, quantity },
  };
  // What orders that were not paid in time have taken is in stock, whether or not the sweep has come by.
  await freeWanted(context.platform, { productIds: [productId], issuedCouponIds: [] });
  return transact(context.em, (em) =>
    once<Product | StockRefusal>(em, {
      key,
      presumed: { type: 'Product', id: productId },
      apply: async () => {
        const added = await addStock(em, productId, quantity);
        return 'code' in added ? { answer: added, keep: keptRefusal(added) } : { answer: added };
      },
      replay: (kept) => replay(em, kept),
    }),
  );
}

async function addStock(em: EntityManager, productId: string, quantity: number): Promise<Product | StockRefusal> {
  const product = (await lockProducts(em, [productId])).get(productId);
  if (!product) throw notFound('product');
  const { stock } = product;
  if (stock === null) throw badInput('productId is made to order and has no stock.');
  if (stock + quantity < 0) return insufficientStock([{ productId, requested: -quantity, available: stock }]);
  if (stock + quantity > MOST_STOCK) throw badInput(`quantity makes the stock more than ${MOST_STOCK}.`);
  const row = await sqlRow<ProductRow>(
    em,
    `update product p set stock = p.stock + $2, made = p.made + $2 where p.id = $1 returning ${PRODUCT_COLUMNS}`,
    [productId, quantity],
  );
  return toProduct(row);
}

async function replay(em: EntityManager, kept: KeptAnswer): Promise<Product | StockRefusal> {
  if (kept.id === undefined) return restoreRefusal<StockRefusal>(kept, { InsufficientStock });
  const [row] = await sql<ProductRow>(em, `select ${PRODUCT_COLUMNS} from product p where p.id = $1`, [kept.id]);
  if (!row) throw notFound('product');
  return toProduct(row);
}
