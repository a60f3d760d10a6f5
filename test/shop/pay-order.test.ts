import { afterAll, beforeAll, expect, it } from 'vitest';
import { cancelPayment } from '../support/builders.ts';
import type { Buyer } from '../support/client.ts';
import {
  cancelOrder,
  claim,
  makeCoupon,
  makeOverdue,
  makeProduct,
  payOrder,
  placeOrder,
  readOrder,
  stockOf,
} from '../support/shop.ts';
import { World } from '../support/world.ts';

let world: World;
let operator: Buyer;

async function balanceOf(buyer: Buyer): Promise<number> {
  return (await buyer.get('{ wallet { balance } }')).wallet.balance;
}

beforeAll(async () => {
  world = await World.open({ processes: 1 });
  operator = await world.operator();
});
afterAll(() => world.close());

it('a payment for want of money is recorded as FAILED, and the order stays to be paid', async () => {
  const product = await makeProduct(operator);
  const buyer = await world.buyer(500);
  const { id } = await placeOrder(buyer, { [product]: 1 });
  expect(await payOrder(buyer, id)).toMatchObject({
    __typename: 'InsufficientBalance',
    balance: 500,
    required: 1_000,
  });
  const { payments } = await buyer.get('{ payments { edges { node { status failure payable { __typename } } } } }');
  expect(payments.edges).toEqual([
    { node: { status: 'FAILED', failure: 'INSUFFICIENT_BALANCE', payable: { __typename: 'Order' } } },
  ]);
  expect(await readOrder(buyer, id)).toMatchObject({ status: 'PLACED', payment: null });
  expect(await balanceOf(buyer)).toBe(500);
});

it('what was cancelled, or not paid in time, cannot be paid any more, and nothing is charged', async () => {
  const product = await makeProduct(operator, { stock: 10 });
  const buyer = await world.buyer(10_000);
  const cancelled = await placeOrder(buyer, { [product]: 1 });
  await cancelOrder(buyer, cancelled.id);
  const late = await placeOrder(buyer, { [product]: 1 });
  await makeOverdue(world.pool, late.id);
  for (const { id } of [cancelled, late]) {
    expect(await payOrder(buyer, id)).toMatchObject({ __typename: 'Refusal', code: 'NOT_PAYABLE' });
  }
  expect(await balanceOf(buyer)).toBe(10_000);
  expect((await world.pool.query('select from payment where user_id = $1', [buyer.id])).rowCount).toBe(0);
});

it('a total of 0 is COMPLETED without an entry', async () => {
  const product = await makeProduct(operator, { price: 400 });
  const coupon = await makeCoupon(operator, { value: 500 });
  const buyer = await world.buyer();
  const issued = await claim(buyer, coupon);
  const order = await placeOrder(buyer, { [product]: 1 }, { issuedCouponId: issued.id });
  expect(order).toMatchObject({ subtotal: 400, discount: 400, total: 0 });
  expect(await payOrder(buyer, order.id)).toMatchObject({ __typename: 'Payment', status: 'COMPLETED', amount: 0 });
  const { wallet } = await buyer.get('{ wallet { balance entries { edges { cursor } } } }');
  expect(wallet).toEqual({ balance: 0, entries: { edges: [] } });
});

it('the owner may cancel within CANCEL_HOURS, an operator also later, and nobody else', async () => {
  const product = await makeProduct(operator, { stock: 10 });
  const [buyer, stranger] = (await world.buyers(2, 10_000)) as [Buyer, Buyer];
  const { id } = await placeOrder(buyer, { [product]: 1 });
  const payment = await payOrder(buyer, id);
  await world.pool.query(`update payment set created_at = created_at - interval '25 hours' where id = $1`, [
    payment.id,
  ]);
  expect(await cancelPayment(buyer, payment.id)).toMatchObject({ code: 'NOT_CANCELLABLE' });
  const query = `mutation ($id: ID!) { cancelPayment(input: { paymentId: $id, idempotencyKey: "x" }) { __typename } }`;
  expect(await stranger.fail(query, { id: payment.id })).toBe('NOT_FOUND');
  expect(await stockOf(buyer, product)).toBe(9);
  expect(await cancelPayment(operator, payment.id)).toMatchObject({ status: 'CANCELLED' });
  expect(await balanceOf(buyer)).toBe(10_000);
  expect(await stockOf(buyer, product)).toBe(10);
});

it("another user's order is not there: to read, to cancel or to pay", async () => {
  const product = await makeProduct(operator);
  const [buyer, stranger] = (await world.buyers(2, 10_000)) as [Buyer, Buyer];
  const { id } = await placeOrder(buyer, { [product]: 1 });
  expect((await stranger.get(`{ order(id: "${id}") { id } }`)).order).toBeNull();
  expect(await stranger.fail(`mutation { cancelOrder(id: "${id}") { __typename } }`)).toBe('NOT_FOUND');
  const pay = `mutation { pay(input: { orderId: "${id}", idempotencyKey: "k" }) { __typename } }`;
  expect(await stranger.fail(pay)).toBe('NOT_FOUND');
  expect((await readOrder(buyer, id)).status).toBe('PLACED');
  expect(await balanceOf(stranger)).toBe(10_000);
});

it('with ON_PAYMENT_FAILURE=release an order that could not be paid is cancelled in the same step', async () => {
  const { url } = await world.startProcess({ ON_PAYMENT_FAILURE: 'release' });
  const product = await makeProduct(operator, { stock: 5 });
  const buyer = (await world.buyer()).at(url);
  const { id } = await placeOrder(buyer, { [product]: 5 });
  expect(await payOrder(buyer, id)).toMatchObject({ __typename: 'InsufficientBalance' });
  expect(await readOrder(buyer, id)).toMatchObject({ status: 'CANCELLED', payment: null });
  expect(await stockOf(buyer, product)).toBe(5);
});
