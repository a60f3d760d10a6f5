import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { PAYMENT } from './builders.ts';
import type { Buyer, Data } from './client.ts';
import type { World } from './world.ts';

const HOUR = 3_600_000;

export const ISSUED = 'id serial status issuedAt usedAt coupon { id }';
export const ORDER = `id status subtotal discount total createdAt payBy coupon { ${ISSUED} } payment { id status }
  lines { lineNo quantity unitPrice amount product { id } }`;

/** A product of 100 pieces at 1,000; `input` overrides. @returns its id */
export async function makeProduct(operator: Buyer, input: Record<string, unknown> = {}): Promise<string> {
  const query = 'mutation ($input: CreateProductInput!) { createProduct(input: $input) { id } }';
  const product = { name: 'a thing', category: 'things', price: 1_000, stock: 100, ...input };
  return (await operator.get(query, { input: product })).createProduct.id;
}

/** A coupon of 500 off, open now and for an hour; `input` overrides. @returns its id */
export async function makeCoupon(operator: Buyer, input: Record<string, unknown> = {}): Promise<string> {
  const query = 'mutation ($input: CreateCouponInput!) { createCoupon(input: $input) { id } }';
  const now = Date.now();
  const coupon = {
    name: 'a coupon',
    discountKind: 'FIXED',
    value: 500,
    quantity: 10,
    startsAt: new Date(now - HOUR),
    endsAt: new Date(now + HOUR),
    ...input,
  };
  return (await operator.get(query, { input: coupon })).createCoupon.id;
}

/** Products by id, with quantities. */
export type Basket = Record<string, number>;

/** Answers the PlaceOrderResult. */
export async function placeOrder(
  buyer: Buyer,
  basket: Basket,
  input: { issuedCouponId?: string; idempotencyKey?: string } = {},
): Promise<Data> {
  const query = `mutation ($input: PlaceOrderInput!) { placeOrder(input: $input) { __typename
    ... on Order { ${ORDER} } ... on InsufficientStock { shortages { productId requested available } }
    ... on OrderLimit { limits { kind productId limit has requested } } ... on Withdrawn { ids }
    ... on Problem { code message } } }`;
  const lines = Object.entries(basket).map(([productId, quantity]) => ({ productId, quantity }));
  return (await buyer.get(query, { input: { lines, idempotencyKey: randomUUID(), ...input } })).placeOrder;
}

/** Answers the CancelOrderResult. */
export async function cancelOrder(buyer: Buyer, id: string): Promise<Data> {
  const query = `mutation ($id: ID!) { cancelOrder(id: $id) { __typename ... on Order { ${ORDER} }
    ... on Problem { code } } }`;
  return (await buyer.get(query, { id })).cancelOrder;
}

export async function readOrder(buyer: Buyer, id: string): Promise<Data> {
  return (await buyer.get(`query ($id: ID!) { order(id: $id) { ${ORDER} } }`, { id })).order;
}

/** Answers the PayResult of an order. */
export async function payOrder(buyer: Buyer, orderId: string, idempotencyKey: string = randomUUID()): Promise<Data> {
  const query = `mutation ($input: PayInput!) { pay(input: $input) { ${PAYMENT} } }`;
  return (await buyer.get(query, { input: { orderId, idempotencyKey } })).pay;
}

/** Answers the RestockResult. */
export async function restock(
  operator: Buyer,
  productId: string,
  quantity: number,
  idempotencyKey: string = randomUUID(),
): Promise<Data> {
  const query = `mutation ($input: RestockInput!) { restock(input: $input) { __typename ... on Product { id stock soldOut }
    ... on InsufficientStock { shortages { productId requested available } } ... on Problem { code } } }`;
  return (await operator.get(query, { input: { productId, quantity, idempotencyKey } })).restock;
}

/** Answers the ClaimCouponResult. */
export async function claim(buyer: Buyer, couponId: string): Promise<Data> {
  const query = `mutation ($couponId: ID!) { claimCoupon(couponId: $couponId) { __typename
    ... on IssuedCoupon { ${ISSUED} } ... on CouponAlreadyClaimed { issuedCoupon { ${ISSUED} } } ... on Problem { code } } }`;
  return (await buyer.get(query, { couponId })).claimCoupon;
}

/** What is in stock, as everybody sees it. */
export async function stockOf(buyer: Buyer, id: string): Promise<number | null> {
  return (await buyer.get('query ($id: ID!) { product(id: $id) { stock } }', { id })).product.stock;
}

/** Lets the time of an unpaid order be over. */
export async function makeOverdue(pool: pg.Pool, orderId: string): Promise<void> {
  await pool.query(`update shop_order set pay_by = clock_timestamp() - interval '1 second' where id = $1`, [orderId]);
}

/**
 * Lets 40 order a product at both processes while an operator withdraws it.
 * @returns how many orders were placed after the instant of the withdrawal
 */
export async function orderWhileWithdrawn(world: World, operator: Buyer): Promise<number> {
  const id = await makeProduct(operator);
  const buyers = await world.buyers(40);
  const withdraw = `mutation { withdrawProduct(input: { id: "${id}" }) { withdrawnAt } }`;
  const ordering = buyers.map((buyer) => placeOrder(buyer, { [id]: 1 }));
  const { withdrawProduct } = await operator.at(world.urls[1] as string).get(withdraw);
  await Promise.all(ordering);
  const { rowCount } = await world.pool.query(
    `select from order_line l join shop_order o on o.id = l.order_id where l.product_id = $1 and o.created_at > $2`,
    [id, withdrawProduct.withdrawnAt],
  );
  return rowCount ?? 0;
}
