import { Field, ID, InputType } from 'type-graphql';
import type { Context } from '../api/context.ts';
import { idOf } from '../api/input.ts';
import { notFound } from '../api/problems.ts';
import { MADE_TO_ORDER, PRODUCTS, rowsOf } from '../commands/lock-order.ts';
import { run, type Verb } from '../commands/runner.ts';
import { forgetBestSellers } from './best-sellers.ts';
import type { Product } from './product.ts';
import { forgetProducts } from './read-products.ts';

@InputType({ description: 'Which product is withdrawn' })
export class WithdrawProductInput {
  @Field(() => ID, { description: 'Id of the product' })
  id!: string;
}

const WITHDRAW_PRODUCT: Verb<{ readonly id: string }, Product> = {
  name: 'withdrawProduct',
  contends: ({ id }) => [`product:${id}`],
  locks: ({ id }) => ({ rows: [rowsOf(PRODUCTS, [id]), rowsOf(MADE_TO_ORDER, [id])] }),

  decide({ asked: { id } }, scene) {
    const product = scene.find(PRODUCTS, id);
    if (!product) throw notFound('product');
    product.withdrawnAt ??= scene.now;
    scene.afterOnce(forgetProducts);
    scene.afterOnce(forgetBestSellers);
    return product;
  },
};

/**
 * Takes a product off sale for good: hidden from buyers, and no longer ordered. Orders that were placed stand. An order
 * of a product with a stock is decided before or after the withdrawal; one of a product made to order, which no order
 * locks, may still be placed by a command that began before the withdrawal was committed.
 * @returns the product; one that was withdrawn before as it is
 * @throws CallerError NOT_FOUND for an unknown product
 */
export async function withdrawProduct(context: Context, input: WithdrawProductInput): Promise<Product> {
  return run(context, WITHDRAW_PRODUCT, { id: idOf('input.id', input.id) });
}
