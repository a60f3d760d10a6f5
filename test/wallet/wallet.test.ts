import { afterAll, beforeAll, expect, it } from 'vitest';
import { balanceOf, charge, makeShow, pay, reserve } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { World } from '../support/world.ts';

let world: World;
let operator: Buyer;
/** As many reservations of one seat each, at the given prices. */
async function reservations(buyer: Buyer, prices: number[]): Promise<string[]> {
  const sections = prices.map((price, index) => ({ name: `${index}`, seatCount: 1, price }));
  const show = await makeShow(operator, { sections });
  return Promise.all(show.seats.map(async (seat) => (await reserve(buyer, show.id, [seat])).id));
}

beforeAll(async () => {
  world = await World.open({ processes: 1 });
  operator = await world.operator();
});
afterAll(() => world.close());

it('a key used again with another amount is a conflict; another user has keys of their own', async () => {
  const [buyer, other] = (await world.buyers(2)) as [Buyer, Buyer];
  await charge(buyer, 100, 'k');
  expect(await charge(buyer, 200, 'k')).toEqual({ __typename: 'Refusal', code: 'IDEMPOTENCY_CONFLICT' });
  expect(await charge(other, 200, 'k')).toMatchObject({ balanceAfter: 200 });
  expect([await balanceOf(buyer), await balanceOf(other)]).toEqual([100, 200]);
});

it('a balance above the limit is refused, and the refusal is replayed even when there is room again', async () => {
  const buyer = await world.buyer(995_000_000);
  expect(await charge(buyer, 6_000_000, 'too much')).toEqual({ __typename: 'Refusal', code: 'BALANCE_LIMIT' });
  const [id] = await reservations(buyer, [9_000_000]);
  await pay(buyer, id as string);
  expect(await charge(buyer, 6_000_000, 'too much')).toEqual({ __typename: 'Refusal', code: 'BALANCE_LIMIT' });
  expect(await charge(buyer, 6_000_000, 'again')).toMatchObject({ __typename: 'LedgerEntry' });
  expect(await balanceOf(buyer)).toBe(992_000_000);
});

it('entries are paged newest first, by cursors that survive new entries', async () => {
  const buyer = await world.buyer();
  for (const amount of [1, 2, 3]) await charge(buyer, amount);
  const page = async (first: number, after?: string): Promise<Data> =>
    (
      await buyer.get(
        'query ($first: Int!, $after: String) { wallet { entries(first: $first, after: $after) { edges { node { amount } } pageInfo { hasNextPage endCursor } } } }',
        { first, after },
      )
    ).wallet.entries;
  const newest = await page(2);
  await charge(buyer, 4);
  const rest = await page(2, newest.pageInfo.endCursor);
  expect([newest, rest].map(({ edges }) => edges.map(({ node }: Data) => node.amount))).toEqual([[3, 2], [1]]);
  expect([newest.pageInfo.hasNextPage, rest.pageInfo.hasNextPage]).toEqual([true, false]);
});
