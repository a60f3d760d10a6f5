import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cancelPayment, violationsOf } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { chainOf } from '../support/ledger.ts';
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

const at = (buyer: Buyer, index: number): Buyer => buyer.at(world.urls[index % 2] as string);

async function balanceOf(buyer: Buyer): Promise<number> {
  return (await buyer.get('{ wallet { balance } }')).wallet.balance;
}

describe.each(['optimistic', 'pessimistic', 'redis-lock'])('under WALLET_GUARD=%s', (guard) => {
  beforeAll(async () => {
    world = await World.open({ env: { WALLET_GUARD: guard } });
    operator = await world.operator();
  });
  afterAll(() => world.close());

  it('an order is paid once however often it is asked, and the others hear AlreadyPaid with that payment', async () => {
    const product = await makeProduct(operator, { stock: 10 });
    const buyer = await world.buyer(10_000);
    const { id } = await placeOrder(buyer, { [product]: 2 });
    const answers: Data[] = await Promise.all(Array.from({ length: 20 }, (_, index) => payOrder(at(buyer, index), id)));
    const [paid] = answers.filter(({ __typename }) => __typename === 'Payment');
    expect(paid).toMatchObject({ status: 'COMPLETED', amount: 2_000, payable: { id, orderStatus: 'PAID' } });
    const others = answers.filter(({ __typename }) => __typename === 'AlreadyPaid');
    expect(others.map(({ payment }) => payment.id)).toEqual(Array.from({ length: 19 }, () => paid.id));
    expect(await balanceOf(buyer)).toBe(8_000);
    expect(await readOrder(buyer, id)).toMatchObject({ status: 'PAID', payment: { id: paid.id, status: 'COMPLETED' } });
    expect(await cancelOrder(buyer, id)).toMatchObject({ __typename: 'Refusal', code: 'NOT_CANCELLABLE' });
    expect(await stockOf(buyer, product)).toBe(8);
  });

  it('one key sent 50 times at once pays once, and every answer is the same payment', async () => {
    const product = await makeProduct(operator);
    const buyer = await world.buyer(10_000);
    const { id } = await placeOrder(buyer, { [product]: 1 });
    const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => payOrder(at(buyer, index), id, 'one')));
    expect(new Set(answers.map((answer) => `${answer.__typename} ${answer.id}`)).size).toBe(1);
    expect(await balanceOf(buyer)).toBe(9_000);
  });

  it('50 cancellations of one payment at once refund once: money, stock and coupon are back, the status says so', async () => {
    const product = await makeProduct(operator, { stock: 10 });
    const coupon = await makeCoupon(operator, { value: 300 });
    const buyer = await world.buyer(10_000);
    const issued = await claim(buyer, coupon);
    const { id } = await placeOrder(buyer, { [product]: 3 }, { issuedCouponId: issued.id });
    const payment = await payOrder(buyer, id);
    expect(await balanceOf(buyer)).toBe(7_300);
    const answers: Data[] = await Promise.all(
      Array.from({ length: 50 }, (_, index) => cancelPayment(at(buyer, index), payment.id)),
    );
    const done = answers.filter(({ status }) => status === 'CANCELLED');
    expect(done).toHaveLength(1);
    expect(done[0]).toMatchObject({ payable: { id, orderStatus: 'PAYMENT_CANCELLED' } });
    expect(answers.filter(({ code }) => code === 'NOT_CANCELLABLE')).toHaveLength(49);
    expect(await balanceOf(buyer)).toBe(10_000);
    expect(await chainOf(world.pool, buyer.id)).toMatchObject({ entries: 3, unbroken: true });
    expect(await stockOf(buyer, product)).toBe(10);
    expect(await readOrder(buyer, id)).toMatchObject({
      status: 'PAYMENT_CANCELLED',
      coupon: { id: issued.id, status: 'ISSUED', usedAt: null },
      payment: { id: payment.id, status: 'CANCELLED' },
    });
  });

  it('a payment that races a cancellation, and one that races the end of its time, leave either both or neither', async () => {
    const product = await makeProduct(operator, { stock: 200 });
    const buyers = await world.buyers(20, 10_000);
    await Promise.all(
      buyers.map(async (buyer, index) => {
        const { id } = await placeOrder(buyer, { [product]: 1 });
        const against = index % 2 === 0 ? cancelOrder(at(buyer, 1), id) : makeOverdue(world.pool, id);
        const [paid] = await Promise.all([payOrder(at(buyer, 0), id), against]);
        const { status } = await readOrder(buyer, id);
        expect(status).toBe(paid.__typename === 'Payment' ? 'PAID' : 'CANCELLED');
        expect(await balanceOf(buyer)).toBe(paid.__typename === 'Payment' ? 9_000 : 10_000);
      }),
    );
    expect(await violationsOf(operator)).toEqual({});
  });
});

describe('whatever the guard', () => {
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
});
