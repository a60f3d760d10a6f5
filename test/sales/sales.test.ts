import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cancelPayment, charge, type MadeShow, makeShow, pay, reserve } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { makeProduct, payOrder, placeOrder } from '../support/shop.ts';
import { World } from '../support/world.ts';

const SALES = `query ($filter: SalesFilter, $sort: SalesSort! = NEWEST, $first: Int! = 100, $after: String) {
  sales(filter: $filter, sort: $sort, first: $first, after: $after) {
    edges { cursor node { id amount refunded status failure user { id name }
      payable { ... on Reservation { id show { id } } ... on Order { id } } } }
    pageInfo { hasNextPage endCursor } totals { count amount refunded } } }`;

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open({ env: { SEATS_PER_USER: '100' } });
  operator = await world.operator();
});
afterAll(() => world.close());

async function sales(variables: object = {}): Promise<Data> {
  return (await operator.get(SALES, variables)).sales;
}

const idsOf = ({ edges }: Data): string[] => edges.map(({ node }: Data) => node.id);

/** Buys the seat with a number. @returns the payment's id */
async function buySeat(buyer: Buyer, show: MadeShow, number: number): Promise<string> {
  return (await pay(buyer, (await reserve(buyer, show.id, [show.seats[number - 1] as string])).id)).id;
}

describe('filters', () => {
  let [rich, poor]: Buyer[] = [];
  let [first, second, other]: MadeShow[] = [];
  /** Payments in the order in which they were made. */
  let made: { bought: string; another: string; cancelled: string; ordered: string; failed: string };
  beforeAll(async () => {
    [rich, poor] = await world.buyers(2);
    await charge(rich!, 1_000_000);
    first = await makeShow(operator, { seatCount: 5 });
    second = await makeShow(operator, { seatCount: 5, concertId: first.concertId });
    other = await makeShow(operator, { seatCount: 5, price: 3_000 });
    const bought = await buySeat(rich!, first, 1);
    const another = await buySeat(rich!, second, 1);
    const cancelled = await buySeat(rich!, other, 1);
    await cancelPayment(rich!, cancelled);
    const product = await makeProduct(operator, { price: 10 });
    const ordered = (await payOrder(rich!, (await placeOrder(rich!, { [product]: 2 })).id)).id;
    const held = await reserve(poor!, first.id, [first.seats[1] as string]);
    await pay(poor!, held.id);
    const failed = (await poor!.get('{ payments { edges { node { id } } } }')).payments.edges[0].node.id;
    made = { bought, another, cancelled, ordered, failed };
  });

  it('without one all payments of everybody are told, with who paid and what for', async () => {
    const told = await sales();
    expect(idsOf(told)).toEqual(Object.values(made).reverse());
    const [failed, ordered, , , bought] = told.edges.map(({ node }: Data) => node);
    expect(failed).toMatchObject({ status: 'FAILED', failure: 'INSUFFICIENT_BALANCE', user: { id: poor!.id } });
    expect(ordered.payable).toEqual({ id: expect.any(String) });
    expect(bought).toMatchObject({ amount: 1_000, user: { id: rich!.id, name: `buyer ${rich!.id}` } });
    expect(bought.payable.show.id).toBe(first!.id);
    expect(told.totals).toEqual({ count: 5, amount: 1_000 + 1_000 + 3_000 + 20, refunded: 3_000 });
  });

  it('each selects, together they narrow, and the totals are of what they select', async () => {
    const { bought, another, cancelled, ordered, failed } = made;
    const select = async (filter: object): Promise<string[]> => {
      const told = await sales({ filter });
      expect(told.totals.count).toBe(told.edges.length);
      return idsOf(told).toSorted();
    };
    const all = (...ids: string[]): string[] => ids.toSorted();
    expect(await select({ showId: first!.id })).toEqual(all(bought, failed));
    expect(await select({ showId: other!.id })).toEqual([cancelled]);
    expect(await select({ concertId: first!.concertId })).toEqual(all(bought, another, failed));
    expect(await select({ userId: rich!.id })).toEqual(all(bought, another, cancelled, ordered));
    expect(await select({ userId: rich!.id, concertId: first!.concertId })).toEqual(all(bought, another));
    expect(await select({ userId: poor!.id, showId: second!.id })).toEqual([]);
    expect(await select({ status: 'FAILED' })).toEqual([failed]);
    expect(await select({ status: 'CANCELLED' })).toEqual([cancelled]);
    expect(await select({ status: 'COMPLETED', showId: first!.id })).toEqual([bought]);
    expect(await select({ showId: other!.id, status: 'CANCELLED' })).toEqual([cancelled]);
    expect(await select({ showId: first!.id, status: 'FAILED' })).toEqual([failed]);
    const from = new Date(Date.now() - 3_600_000);
    expect(await select({ showId: first!.id, from })).toEqual(all(bought, failed));
    expect(await select({ concertId: first!.concertId, from, status: 'COMPLETED' })).toEqual(all(bought, another));
    expect(await select({ showId: first!.id, concertId: other!.concertId })).toEqual([]);
    expect(await select({ showId: randomUUID() })).toEqual([]);
    expect(await select({ showId: null, status: null, from: null })).toEqual(all(...Object.values(made)));
  });

  it('from is the first instant that is told, to the first that is not', async () => {
    const { rows } = await world.pool.query(
      `update payment p set created_at = date_trunc('second', clock_timestamp()) - n * interval '1 hour'
       from unnest($1::uuid[]) with ordinality as u (id, n) where p.id = u.id returning p.id, created_at as at`,
      [Object.values(made).reverse()],
    );
    const at = (id: string): Date => rows.find((row) => row.id === id).at;
    const filter = { from: at(made.another), to: at(made.ordered) };
    expect(idsOf(await sales({ filter }))).toEqual([made.cancelled, made.another]);
    expect(idsOf(await sales({ filter: { to: at(made.another) } }))).toEqual([made.bought]);
    expect(idsOf(await sales({ filter: { ...filter, to: filter.from } }))).toEqual([]);
    expect(await operator.fail(SALES, { filter: { from: filter.to, to: filter.from } })).toBe('BAD_USER_INPUT');
  });

  it('text that is no id, an unknown status and a page out of bounds are refused', async () => {
    for (const name of ['showId', 'concertId', 'userId'])
      for (const text of ['x', '', randomUUID().slice(1)])
        expect(await operator.fail(SALES, { filter: { [name]: text } })).toBe('BAD_USER_INPUT');
    expect(await operator.fail(SALES, { filter: { status: 'PAID' } })).toBe('BAD_USER_INPUT');
    for (const size of [0, 101]) expect(await operator.fail(SALES, { first: size })).toBe('BAD_USER_INPUT');
  });

  it('a cursor of another list, or of another sort, is refused', async () => {
    const { endCursor } = (await sales({ first: 1 })).pageInfo;
    const { payments } = await rich!.get('{ payments(first: 1) { pageInfo { endCursor } } }');
    for (const after of [payments.pageInfo.endCursor, '', 'x'])
      expect(await operator.fail(SALES, { after })).toBe('BAD_USER_INPUT');
    for (const sort of ['OLDEST', 'AMOUNT_DESC', 'AMOUNT_ASC'])
      expect(await operator.fail(SALES, { sort, after: endCursor })).toBe('BAD_USER_INPUT');
    expect((await sales({ first: 1, after: endCursor })).edges).toHaveLength(1);
  });
});

describe('pages', () => {
  it.each([
    ['NEWEST', (a: Data, b: Data) => b.at - a.at],
    ['OLDEST', (a: Data, b: Data) => a.at - b.at],
    ['AMOUNT_DESC', (a: Data, b: Data) => b.amount - a.amount],
    ['AMOUNT_ASC', (a: Data, b: Data) => a.amount - b.amount],
  ])('by %s tell each payment once while people pay and cancel', async (sort, order) => {
    const buyer = (await world.buyers(1, 1_000_000))[0] as Buyer;
    const show = await makeShow(operator, {
      sections: [
        { name: 'A', seatCount: 6, price: 500 },
        { name: 'B', seatCount: 6, price: 700 },
      ],
    });
    const made: string[] = [];
    for (const number of [1, 7, 2, 8, 3, 9, 4]) {
      made.push(await buySeat(buyer, show, number));
      if (made.length % 4 === 0) {
        await cancelPayment(buyer, made.at(-2) as string);
      }
    }
    const told: Data[] = [];
    let after: string | null = null;
    do {
      const page: Data = await sales({ sort, filter: { showId: show.id }, first: 2, after });
      told.push(...page.edges.map(({ node }: Data) => node));
      const spare = [10, 11, 12, 5][told.length / 2 - 1];
      if (spare !== undefined) await cancelPayment(buyer, await buySeat(buyer, show, spare));
      after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
    } while (after !== null);
    const ids = told.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.filter((id) => made.includes(id)).toSorted()).toEqual(made.toSorted());
    const { rows } = await world.pool.query('select id, created_at as at, amount from payment where id = any($1)', [
      ids,
    ]);
    const inOrder = ids.map((id) => {
      const row = rows.find((each) => each.id === id);
      return { at: row.at.getTime(), amount: Number(row.amount) };
    });
    expect(inOrder).toEqual(inOrder.toSorted(order));
  });
});
