import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { balanceOf, charge, makeShow, pay, reserve } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { chainOf } from '../support/ledger.ts';
import { World } from '../support/world.ts';

let world: World;
let operator: Buyer;
const at = (buyer: Buyer, index: number): Buyer => buyer.at(world.urls[index % 2] as string);
const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

/** As many reservations of one seat each, at the given prices. */
async function reservations(buyer: Buyer, prices: number[]): Promise<string[]> {
  const sections = prices.map((price, index) => ({ name: `${index}`, seatCount: 1, price }));
  const show = await makeShow(operator, { sections });
  return Promise.all(show.seats.map(async (seat) => (await reserve(buyer, show.id, [seat])).id));
}

describe.each([
  ['optimistic', 300],
  ['pessimistic', 100],
  ['redis-lock', 100],
] as const)('under the guard %s, with two processes', (guard, crowd) => {
  beforeAll(async () => {
    world = await World.open({ env: { SEATS_PER_USER: '300', WALLET_GUARD: guard } });
    operator = await world.operator();
  });
  afterAll(() => world.close());

  it.each([
    ['both processes', 2],
    ['one of them', 1],
  ])(
    'a wallet of 1,000 charged 300 times at once with 500 at %s has 151,000, and 301 entries that form one chain',
    async (_where, processes) => {
      const buyer = await world.buyer(1_000);
      const answers = await Promise.all(times(300, (index) => charge(at(buyer, index % processes), 500)));
      expect(answers.filter(({ __typename }) => __typename !== 'LedgerEntry')).toEqual([]);
      expect(await balanceOf(buyer)).toBe(151_000);
      const chain = await chainOf(world.pool, buyer.id);
      expect(chain).toMatchObject({ entries: 301, unbroken: true, sum: 151_000 });
    },
  );

  it(`${crowd} payments of 1,000 at once, for which the balance is enough, are all made and leave 200,000`, async () => {
    const buyer = await world.buyer(200_000 + crowd * 1_000);
    const ids = await reservations(
      buyer,
      times(crowd, () => 1_000),
    );
    const answers = await Promise.all(ids.map((id, index) => pay(at(buyer, index), id)));
    expect(answers.filter(({ status }) => status !== 'COMPLETED')).toEqual([]);
    expect(await balanceOf(buyer)).toBe(200_000);
    expect(await chainOf(world.pool, buyer.id)).toMatchObject({ entries: crowd + 1, unbroken: true });
  });

  it('two payments of 1,000 at once from 5,000 are both made and leave 3,000', async () => {
    const buyer = await world.buyer(5_000);
    const ids = await reservations(buyer, [1_000, 1_000]);
    const answers = await Promise.all(ids.map((id, index) => pay(at(buyer, index), id)));
    expect(answers.map(({ status }) => status)).toEqual(['COMPLETED', 'COMPLETED']);
    expect(await balanceOf(buyer)).toBe(3_000);
  });

  it('of 4,000, 2,000 and 3,500 at once from 5,000 exactly one is paid, and two are recorded as FAILED', async () => {
    const buyer = await world.buyer(5_000);
    const prices = [4_000, 2_000, 3_500];
    const ids = await reservations(buyer, prices);
    const answers = await Promise.all(ids.map((id, index) => pay(at(buyer, index), id)));
    const paid = answers.findIndex(({ status }) => status === 'COMPLETED');
    const refused = answers.filter((_, index) => index !== paid);
    for (const answer of refused) {
      expect(answer).toMatchObject({
        __typename: 'InsufficientBalance',
        code: 'INSUFFICIENT_BALANCE',
        balance: 5_000 - (prices[paid] as number),
      });
    }
    expect(await balanceOf(buyer)).toBe(5_000 - (prices[paid] as number));
    const { payments } = await buyer.get('{ payments { edges { node { status failure } } } }');
    const statuses = payments.edges.map(({ node }: Data) => node.failure ?? node.status).sort();
    expect(statuses).toEqual(['COMPLETED', 'INSUFFICIENT_BALANCE', 'INSUFFICIENT_BALANCE']);
  });

  it('one key sent 50 times at once charges once, and every answer is the same entry', async () => {
    const buyer = await world.buyer();
    const answers = await Promise.all(times(50, (index) => charge(at(buyer, index), 700, 'one key')));
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
    expect(await balanceOf(buyer)).toBe(700);
  });

  it('a wallet whose row is locked for too long answers SERVICE_UNAVAILABLE, unchanged, and the same key works afterwards', async () => {
    const buyer = await world.buyer(1_000);
    const rival = await world.pool.connect();
    await rival.query('begin');
    await rival.query('select from wallet where user_id = $1 for update', [buyer.id]);
    const charges = times(5, (index) =>
      buyer.fail(`mutation { charge(input: { amount: 5, idempotencyKey: "${index}" }) { __typename } }`),
    );
    expect(await Promise.all(charges)).toEqual(times(5, () => 'SERVICE_UNAVAILABLE'));
    await rival.query('rollback');
    rival.release();
    expect(await balanceOf(buyer)).toBe(1_000);
    const answers = await Promise.all(times(5, (index) => charge(buyer, 5, `${index}`)));
    expect(answers.map(({ __typename }) => __typename)).toEqual(times(5, () => 'LedgerEntry'));
    expect(await chainOf(world.pool, buyer.id)).toMatchObject({ entries: 6, unbroken: true, sum: 1_025 });
  });
});

describe('whatever the guard', () => {
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
});
