import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, violationsOf } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { claim, makeCoupon, makeProduct, placeOrder, stockOf } from '../support/shop.ts';
import { World } from '../support/world.ts';

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open({ processes: 1 });
  operator = await world.operator();
});
afterAll(() => world.close());

it('a process killed after the commit and before the answer: the retry gets that order, its stock and coupon taken once', async () => {
  const product = await makeProduct(operator, { stock: 10 });
  const buyer = await world.buyer();
  const { id: issuedCouponId } = await claim(buyer, await makeCoupon(operator));
  const doomed = await world.startProcess({}, './die-after-order.ts');
  const ask = (who: Buyer): Promise<Data> =>
    placeOrder(who, { [product]: 3 }, { issuedCouponId, idempotencyKey: 'one wish' });
  await expect(ask(buyer.at(doomed.url))).rejects.toThrow();
  await eventually(() => doomed.child.signalCode === 'SIGKILL');
  const answer = await ask(buyer);
  expect(answer).toMatchObject({ __typename: 'Order', status: 'PLACED', discount: 500 });
  const { rows } = await world.pool.query('select id from shop_order where user_id = $1', [buyer.id]);
  expect(rows).toEqual([{ id: answer.id }]);
  expect(await stockOf(buyer, product)).toBe(7);
});

it('a process killed in a storm of orders loses and doubles none: retries with the same keys complete them all', async () => {
  const product = await makeProduct(operator, { stock: 1_000 });
  const survivor = world.urls[0] as string;
  const doomed = await world.startProcess();
  const buyers = await world.buyers(100);
  const storm = buyers.map((buyer, index) =>
    placeOrder(buyer.at(index % 2 ? doomed.url : survivor), { [product]: 2 }, { idempotencyKey: 'k' }).catch(
      () => undefined,
    ),
  );
  await Promise.race(storm);
  await doomed.stop('SIGKILL');
  const first = await Promise.all(storm);
  const again = await Promise.all(
    buyers.map((buyer) => placeOrder(buyer.at(survivor), { [product]: 2 }, { idempotencyKey: 'k' })),
  );
  expect(again.filter(({ status }) => status !== 'PLACED')).toEqual([]);
  for (const [index, answer] of first.entries()) if (answer) expect(again[index].id).toBe(answer.id);
  expect(await stockOf(buyers[0]?.at(survivor) as Buyer, product)).toBe(800);
  expect(await violationsOf(operator)).toEqual({});
});
