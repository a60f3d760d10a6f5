import { createUnionType, Field, ID, InputType, Int } from 'type-graphql';
import type { Context } from '../api/context.ts';
import { givenOf, idOf } from '../api/input.ts';
import { notFound, Withdrawn, withdrawn } from '../api/problems.ts';
import { Money } from '../api/scalars.ts';
import { MADE_TO_ORDER, PRODUCTS, rowsOf } from '../commands/lock-order.ts';
import { run, type Verb } from '../commands/runner.ts';
import { checkProduct } from './create-product.ts';
import { Product, type ProductTexts } from './product.ts';
import { forgetProducts } from './read-products.ts';

@InputType({
  description:
    'Changes of a product. What is left out stays as it is. Orders that were placed keep their prices, and stand beyond a lower `maxPerUser`',
})
export class UpdateProductInput {
  @Field(() => ID, { description: 'Id of the product' })
  id!: string;

  @Field(() => String, { nullable: true, description: '1 .. 200 characters' })
  name?: string | null;

  @Field(() => String, { nullable: true, description: 'At most 10,000 characters' })
  description?: string | null;

  @Field(() => String, { nullable: true, description: '1 .. 100 characters' })
  category?: string | null;

  @Field(() => Money, { nullable: true, description: 'Price of one piece, 0 .. 1,000,000,000' })
  price?: number | null;

  @Field(() => Int, { nullable: true, description: 'Most pieces for each user, 1 .. 1,000,000; null for no limit' })
  maxPerUser?: number | null;
}

export const UpdateProductResult = createUnionType({
  name: 'UpdateProductResult',
  description: 'The product as it is now, or Withdrawn',
  types: () => [Product, Withdrawn] as const,
});

interface UpdateProduct {
  readonly id: string;
  readonly texts: Partial<Omit<ProductTexts, 'stock'>>;
}

const UPDATE_PRODUCT: Verb<UpdateProduct, Product | Withdrawn> = {
  name: 'updateProduct',
  contends: ({ id }) => [`product:${id}`],
  locks: ({ id }) => ({ rows: [rowsOf(PRODUCTS, [id]), rowsOf(MADE_TO_ORDER, [id])] }),

  decide({ asked: { id, texts } }, scene) {
    const product = scene.find(PRODUCTS, id);
    if (!product) throw notFound('product');
    if (product.withdrawnAt !== null) return withdrawn([id]);
    product.mend(texts);
    scene.afterOnce(forgetProducts);
    return product;
  },
};

/**
 * Changes the texts, the price and the limit per user of a product that are given.
 * @returns the product; Withdrawn for one that is no longer for sale
 * @throws CallerError NOT_FOUND for an unknown product; BAD_USER_INPUT for null but in `maxPerUser`, and for what `checkProduct` refuses
 */
export async function updateProduct(context: Context, input: UpdateProductInput): Promise<Product | Withdrawn> {
  const { id, ...texts } = givenOf(input, 'maxPerUser');
  checkProduct(texts);
  return run(context, UPDATE_PRODUCT, { id: idOf('input.id', id as string), texts });
}
