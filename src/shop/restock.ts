import { createUnionType, Field, ID, InputType, Int } from 'type-graphql';
import { type Context, callerOf } from '../api/context.ts';
import { idempotencyKeyOf, idOf, KEY_KEPT_FOR_A_DAY, within } from '../api/input.ts';
import { badInput, notFound, Refusal } from '../api/problems.ts';
import { PRODUCTS, rowsOf } from '../commands/lock-order.ts';
import { run, type Verb } from '../commands/runner.ts';
import { MAX_STOCK } from './create-product.ts';
import { endOverdueWith } from './lapse-orders.job.ts';
import { InsufficientStock, insufficientStock, Product, type StockRefusal } from './product.ts';

@InputType({ description: 'How many pieces are added to the stock of a product' })
export class RestockInput {
  @Field(() => ID, { description: 'Id of the product' })
  productId!: string;

  @Field(() => Int, {
    description:
      'How many pieces are added; below 0 to take away, at most as many as there are. Up to 1,000,000,000 in magnitude, not 0',
  })
  quantity!: number;

  @Field(() => ID, {
    description: KEY_KEPT_FOR_A_DAY,
  })
  idempotencyKey!: string;
}

export const RestockResult = createUnionType({
  name: 'RestockResult',
  description: 'The product, InsufficientStock, or a Refusal `IDEMPOTENCY_CONFLICT`',
  types: () => [Product, InsufficientStock, Refusal] as const,
});

interface Restock {
  readonly productId: string;
  /** In pieces; below 0 to take away. */
  readonly quantity: number;
}

interface RestockFacts {
  /** Whether the product exists: a product made to order exists but is never locked. */
  readonly isKnown: boolean;
}

const RESTOCK: Verb<Restock, Product | StockRefusal, undefined, RestockFacts> = {
  name: 'restock',
  contends: ({ productId }) => [`product:${productId}`],
  locks: ({ productId }) => ({ rows: [rowsOf(PRODUCTS, [productId])] }),

  async facts(em, items, scene) {
    const unlocked = items.map(({ asked }) => asked.productId).filter((id) => !scene.find(PRODUCTS, id));
    const found = unlocked.length === 0 ? [] : await em.find(Product, { id: { $in: unlocked } });
    const known = new Set(found.map(({ id }) => id));
    return items.map(({ asked: { productId } }) => ({
      isKnown: known.has(productId) || scene.find(PRODUCTS, productId) !== undefined,
    }));
  },

  decide({ asked: { productId, quantity }, facts }, scene) {
    if (!facts.isKnown) throw notFound('product');
    const product = scene.find(PRODUCTS, productId);
    if (!product || product.stock === null) throw badInput('input.productId', 'is made to order and has no stock');
    const { available } = product;
    if (available + quantity < 0) return insufficientStock([{ productId, requested: -quantity, available }]);
    if (available + quantity > MAX_STOCK) throw badInput('input.quantity', `makes the stock more than ${MAX_STOCK}`);
    product.restock(quantity);
    return product;
  },

  presumed: ({ productId }) => ({ type: 'Product', id: productId }),
  replay: (em, { id }) => em.findOneOrFail(Product, { id }),
  refusals: { InsufficientStock },
};

/**
 * Adds to the stock of a product, or takes away pieces that were made too much, once for each idempotency key.
 * @returns the Product; InsufficientStock when the stock is less than the quantity to take away; a Refusal
 * IDEMPOTENCY_CONFLICT
 * @throws CallerError NOT_FOUND for an unknown product; BAD_USER_INPUT for a quantity of 0 or outside of
 * +-1,000,000,000, for more than that in stock, and for a product made to order, which has no stock
 */
export async function restock(context: Context, input: RestockInput): Promise<Product | StockRefusal> {
  const productId = idOf('input.productId', input.productId);
  const quantity = within('input.quantity', input.quantity, -MAX_STOCK, MAX_STOCK);
  if (quantity === 0) throw badInput('input.quantity', 'must not be 0');
  const key = {
    userId: callerOf(context).id,
    key: idempotencyKeyOf(input.idempotencyKey),
    input: { productId, quantity },
  };
  // Stock taken by overdue orders counts as in stock, whether or not the sweep has run.
  await endOverdueWith(context.platform, { productIds: [productId], issuedCouponIds: [] });
  return run(context, RESTOCK, { productId, quantity }, key);
}
