import { afterAll, beforeAll, expect, it } from 'vitest';
import { balanceOf, eventually, makeShow, pay, reserve, violationsOf } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import type { AppProcess } from '../support/process.ts';
import { World } from '../support/world.ts';

let world: World;
let operator: Buyer;
let releasing: AppProcess;
beforeAll(async () => {
  world = await World.open({ processes: 1 });
  operator = await world.operator();
  releasing = await world.startProcess({ ON_PAYMENT_FAILURE: 'release' });
});
afterAll(() => world.close());

async function statusOf(buyer: Buyer, id: string): Promise<string> {
  return (await buyer.get('query ($id: ID!) { reservation(id: $id) { status } }', { id })).reservation.status;
}

it('with ON_PAYMENT_FAILURE=keep the hold outlives a payment for which there was not enough money', async () => {
  const show = await makeShow(operator);
  const buyer = await world.buyer(500);
  const { id } = await reserve(buyer, show.id, [show.seats[0] as string]);
  expect(await pay(buyer, id)).toMatchObject({ code: 'INSUFFICIENT_BALANCE' });
  expect(await statusOf(buyer, id)).toBe('HELD');
});

it('with ON_PAYMENT_FAILURE=release it gives the seats back to everybody, and tells who watches', async () => {
  const show = await makeShow(operator);
  const [buyer, rival] = (await world.buyers(2, 1_500)) as [Buyer, Buyer];
  const { id } = await reserve(buyer, show.id, show.seats.slice(0, 2));
  const feed = rival.watch('subscription ($id: ID!) { seatChanges(showId: $id) { seats { number status } } }', {
    id: show.id,
  });
  await eventually(async () => (await world.redis.pubsub('NUMSUB', `onsale:seats:${show.id}`))[1] !== 0);
  const refused = await pay(buyer.at(releasing.url), id, 'k');
  expect(refused).toMatchObject({ __typename: 'InsufficientBalance', balance: 1_500, required: 2_000 });
  const { seatChanges } = await feed.until(() => true);
  expect(seatChanges.seats).toEqual([1, 2].map((number) => ({ number, status: 'AVAILABLE' })));
  await feed.close();
  expect(await statusOf(buyer, id)).toBe('RELEASED');
  const { payments } = await buyer.get('{ payments { edges { node { status failure } } } }');
  expect(payments.edges.map(({ node }: Data) => node)).toEqual([{ status: 'FAILED', failure: 'INSUFFICIENT_BALANCE' }]);
  expect(await balanceOf(buyer)).toBe(1_500);
  expect(await pay(buyer.at(releasing.url), id, 'k'), 'the refusal is replayed').toEqual(refused);
  expect(await pay(buyer.at(releasing.url), id)).toMatchObject({ code: 'NOT_PAYABLE' });
  expect(await reserve(rival, show.id, [show.seats[0] as string])).toMatchObject({ status: 'HELD' });
  expect(await violationsOf(operator)).toEqual({});
});

it('a hold that lapsed is not released once more, nor taken from who has it since', async () => {
  const show = await makeShow(operator);
  const [late, quick] = (await world.buyers(2, 500)) as [Buyer, Buyer];
  const { id } = await reserve(late, show.id, [show.seats[0] as string]);
  for (const [table, column] of Object.entries({ hold: 'reservation_id', reservation: 'id' })) {
    await world.pool.query(
      `update ${table} set expires_at = clock_timestamp() - interval '1 second' where ${column} = $1`,
      [id],
    );
  }
  const taken = await reserve(quick, show.id, [show.seats[0] as string]);
  expect(await pay(late.at(releasing.url), id)).toMatchObject({ code: 'HOLD_EXPIRED' });
  expect(await statusOf(late, id)).toBe('EXPIRED');
  expect(await statusOf(quick, taken.id)).toBe('HELD');
});
