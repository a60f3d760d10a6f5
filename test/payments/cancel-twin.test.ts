import { afterAll, beforeAll, expect, it } from 'vitest';
import { cancelPayment, makeShow, pay, reserve, violationsOf } from '../support/builders.ts';
import { World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await World.open({ preload: './without-any-guard.ts' });
  await world.pool.query('alter table entry drop constraint entry_chain');
  await world.pool.query('create index on entry (wallet_id, seq)');
  await world.pool.query('alter table refund drop constraint refund_chain');
});
afterAll(() => world.close());

it('without locks and version check a payment is refunded twice, and the audit finds it: the test of the guard can fail', async () => {
  const operator = await world.operator();
  const show = await makeShow(operator, { seatCount: 60 });
  let most = 0;
  for (let round = 0; round < 60 && most < 2; round++) {
    const buyer = await world.buyer(5_000);
    const { id } = await reserve(buyer, show.id, [show.seats[round] as string]);
    const { id: paymentId } = await pay(buyer, id);
    const answers = await Promise.all(world.urls.map((url) => cancelPayment(buyer.at(url), paymentId)));
    most = Math.max(most, answers.filter(({ status }) => status === 'CANCELLED').length);
  }
  expect(most).toBe(2);
  expect(Object.keys(await violationsOf(operator))).toContain('refunds-add-up');
});
