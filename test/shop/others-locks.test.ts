import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, violationsOf } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { claim, makeCoupon, makeOverdue, makeProduct, placeOrder, restock, stockOf } from '../support/shop.ts';
import { whileLocked } from '../support/while-locked.ts';
import { World } from '../support/world.ts';

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open({ processes: 1 });
  operator = await world.operator();
});
afterAll(() => world.close());

/** What `work` answers while somebody at the database has the product's row. */
function whileProductLocked<T>(product: string, work: () => Promise<T>): Promise<T> {
  return whileLocked(world.pool, { text: 'select from product where id = $1 for update', values: [product] }, work);
}

async function isAnybodyWaiting(): Promise<boolean> {
  const text = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  return (await world.pool.query(text)).rowCount === 1;
}

async function statusOf(order: string): Promise<string> {
  return (await world.pool.query('select status from shop_order where id = $1', [order])).rows[0].status;
}

it('an overdue order of a locked product keeps nobody from another product, nor from restocking it', async () => {
  const [locked, other] = [await makeProduct(operator), await makeProduct(operator, { stock: 5 })];
  const [late, next] = (await world.buyers(2)) as [Buyer, Buyer];
  const { id } = await placeOrder(late, { [locked]: 1 });
  const both = await placeOrder(late, { [locked]: 1, [other]: 2 });
  await whileProductLocked(locked, async () => {
    await makeOverdue(world.pool, id);
    await makeOverdue(world.pool, both.id);
    expect(await placeOrder(next, { [other]: 1 })).toMatchObject({ status: 'PLACED' });
    expect(await restock(operator, other, 3)).toMatchObject({ __typename: 'Product', stock: 5 });
    expect([await statusOf(id), await statusOf(both.id)]).toEqual(['PLACED', 'PLACED']);
  });
  expect(await placeOrder(next, { [locked]: 100 })).toMatchObject({ status: 'PLACED' });
  expect([await stockOf(next, locked), await stockOf(next, other)]).toEqual([0, 7]);
  expect([await statusOf(id), await statusOf(both.id)]).toEqual(['CANCELLED', 'CANCELLED']);
  expect(await violationsOf(operator)).toEqual({});
});

it('of 50 orders of one product only the two that also want a locked one are unavailable, and may come again', async () => {
  const [hot, locked] = [await makeProduct(operator), await makeProduct(operator)];
  const buyers = await world.buyers(50);
  const wish = (index: number): Record<string, number> =>
    index % 30 === 10 ? { [hot]: 1, [locked]: 1 } : { [hot]: 1 };
  const place = (buyer: Buyer, index: number): Promise<Data> =>
    placeOrder(buyer.hasty(), wish(index), { idempotencyKey: 'k' }).catch((error: unknown) => ({
      failed: String(error),
    }));
  const answers = await whileProductLocked(locked, () => Promise.all(buyers.map(place)));
  const failed = answers.flatMap((answer, index) => (answer.status === 'PLACED' ? [] : index));
  expect(failed).toEqual([10, 40]);
  for (const index of failed) expect(answers[index].failed).toContain('SERVICE_UNAVAILABLE');
  expect([await stockOf(operator, hot), await stockOf(operator, locked)]).toEqual([52, 100]);
  for (const index of failed) expect(await place(buyers[index] as Buyer, index)).toMatchObject({ status: 'PLACED' });
  expect([await stockOf(operator, hot), await stockOf(operator, locked)]).toEqual([50, 98]);
  expect(await violationsOf(operator)).toEqual({});
});

it('an order that waits for a locked product holds up no order of its other product, and is placed once the lock is gone', async () => {
  const [hot, locked] = [await makeProduct(operator), await makeProduct(operator)];
  const [patient, next] = (await world.buyers(2)) as [Buyer, Buyer];
  const both = await whileProductLocked(locked, async () => {
    const waiting = placeOrder(patient.hasty(), { [hot]: 1, [locked]: 1 });
    waiting.catch(() => undefined);
    await eventually(isAnybodyWaiting);
    expect(await placeOrder(next, { [hot]: 1 })).toMatchObject({ status: 'PLACED' });
    return { waiting };
  });
  expect(await both.waiting).toMatchObject({ status: 'PLACED' });
  expect([await stockOf(operator, hot), await stockOf(operator, locked)]).toEqual([98, 99]);
});

it('a product that is locked itself refuses all who want it, takes nothing, and sells on afterwards', async () => {
  const locked = await makeProduct(operator);
  const buyers = await world.buyers(10);
  const query = `mutation ($id: ID!) { placeOrder(input: {
    lines: [{ productId: $id, quantity: 1 }], idempotencyKey: "k" }) { __typename } }`;
  const refused = await whileProductLocked(locked, () =>
    Promise.all(buyers.map((buyer) => buyer.fail(query, { id: locked }))),
  );
  expect(refused).toEqual(Array(10).fill('SERVICE_UNAVAILABLE'));
  expect(await stockOf(operator, locked)).toBe(100);
  const placed = await Promise.all(buyers.map((buyer) => placeOrder(buyer, { [locked]: 1 }, { idempotencyKey: 'k' })));
  expect(placed.map(({ status }) => status)).toEqual(Array(10).fill('PLACED'));
  expect(await stockOf(operator, locked)).toBe(90);
});

/** Orders of one piece each, by as many buyers. */
async function placeMany(product: string, count: number): Promise<void> {
  const buyers = await world.buyers(count);
  for (let done = 0; done < count; done += 50) {
    const some = buyers.slice(done, done + 50);
    const answers = await Promise.all(some.map((buyer) => placeOrder(buyer, { [product]: 1 })));
    expect(answers.filter(({ status }) => status !== 'PLACED')).toEqual([]);
  }
}

/** Lets the time of every unpaid order be over. */
async function lapseAll(): Promise<void> {
  await world.pool.query(
    `update shop_order set pay_by = clock_timestamp() - interval '1 minute' where status = 'PLACED'`,
  );
}

it('all of 300 pieces are for sale at the instant at which the orders of all of them lapse together', async () => {
  const product = await makeProduct(operator, { stock: 300 });
  const buyer = await world.buyer();
  await placeMany(product, 300);
  await lapseAll();
  const lines = Array.from({ length: 3 }, () => ({ productId: product, quantity: 100 }));
  const { placeOrder: placed } = await buyer.get(
    `mutation ($lines: [OrderLineInput!]!) { placeOrder(input: { lines: $lines, idempotencyKey: "k" }) {
       __typename ... on Order { status } } }`,
    { lines },
  );
  expect(placed).toEqual({ __typename: 'Order', status: 'PLACED' });
  expect(await stockOf(buyer, product)).toBe(0);
  expect(await violationsOf(operator)).toEqual({});
});

it('a coupon of a lapsed order can be used at once, however many orders lapsed before it', async () => {
  const [many, product] = [await makeProduct(operator, { stock: 300 }), await makeProduct(operator)];
  const buyer = await world.buyer();
  const { id: issuedCouponId } = await claim(buyer, await makeCoupon(operator));
  await placeMany(many, 300);
  const { id } = await placeOrder(buyer, { [product]: 1 }, { issuedCouponId });
  await lapseAll();
  expect(await placeOrder(buyer, { [product]: 1 }, { issuedCouponId })).toMatchObject({ status: 'PLACED' });
  expect(await statusOf(id)).toBe('CANCELLED');
  expect(await violationsOf(operator)).toEqual({});
});
