import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { charge, enter, makeQueue, makeShow, pay, reserve } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { forgedCursor } from '../support/cursors.ts';
import { publicIdOf } from '../support/openings.ts';
import { makeProduct, placeOrder } from '../support/shop.ts';
import { World } from '../support/world.ts';

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
});
afterAll(() => world.close());

const USERS = `query ($search: String, $first: Int! = 100, $after: String) { users(search: $search, first: $first, after: $after) {
  edges { cursor node { id name role } } pageInfo { hasNextPage endCursor } } }`;

/** Adds a user of an identity provider, which may have several of one name. @returns the id */
async function addUser(name: string): Promise<string> {
  const id = randomUUID();
  await world.pool.query(
    `with made as (insert into user_account (id, name, role, issuer, subject)
       values ($1::uuid, $2, 'BUYER', 'https://login.example.com', $1::text) returning id)
     insert into wallet (user_id, balance) select id, 0 from made`,
    [id, name],
  );
  return id;
}

async function find(search: string | null): Promise<string[]> {
  const { users } = await operator.get(USERS, { search });
  return users.edges.map(({ node }: Data) => node.name);
}

describe('users', () => {
  it('finds the beginning of a name in any case, in the order of the names, and nothing within it', async () => {
    for (const name of ['Kim Minsu', 'kim jisoo', 'KIMURA', 'Minsu Kim', '김민수', '김민지', '100%_sure', '100 people'])
      await addUser(name);
    expect(await find('kim')).toEqual(['kim jisoo', 'Kim Minsu', 'KIMURA']);
    expect(await find(' KIM ')).toEqual(['kim jisoo', 'Kim Minsu', 'KIMURA']);
    expect(await find('kim m')).toEqual(['Kim Minsu']);
    expect(await find('김민')).toEqual(['김민수', '김민지']);
    expect(await find('minsu')).toEqual(['Minsu Kim']);
    expect(await find('100%_')).toEqual(['100%_sure']);
    expect(await find('%')).toEqual([]);
    expect(await find('nobody of that name')).toEqual([]);
  });

  it('finds a user by the id, and tells everybody without a search', async () => {
    const id = await addUser('somebody with an id');
    expect(await find(id)).toEqual(['somebody with an id']);
    expect(await find(id.toUpperCase())).toEqual(['somebody with an id']);
    expect(await find(randomUUID())).toEqual([]);
    const everybody = await find(null);
    expect(everybody).toContain('operator');
    expect(await find('  ')).toEqual(everybody);
  });

  it('page after page, nobody is left out or told twice while users with the same beginning come', async () => {
    const ids = await Promise.all(Array.from({ length: 7 }, (_, n) => addUser(n < 4 ? 'page same' : `page x${n}`)));
    const seen: string[] = [];
    for (let after: string | null = null, pages = 0; pages < 10; pages++) {
      const { users }: Data = await operator.get(USERS, { search: 'page', first: 2, after });
      seen.push(...users.edges.map(({ node }: Data) => node.id));
      await addUser('page a newcomer');
      after = users.pageInfo.endCursor;
      if (!users.pageInfo.hasNextPage) break;
    }
    expect(seen.filter((id) => ids.includes(id)).toSorted()).toEqual(ids.toSorted());
    expect(new Set(seen).size).toBe(seen.length);
  });

  it('refuses foreign cursors, pages out of bounds and texts that are too long, or broken', async () => {
    const { queues } = await operator.get('{ queues { pageInfo { endCursor } } }');
    const foreign = [queues.pageInfo.endCursor ?? 'x', 'x', forgedCursor('user', 'x')];
    for (const after of foreign) expect(await operator.fail(USERS, { after })).toBe('BAD_USER_INPUT');
    for (const first of [0, -1, 101]) expect(await operator.fail(USERS, { first })).toBe('BAD_USER_INPUT');
    for (const search of ['a'.repeat(201), 'a\0'])
      expect(await operator.fail(USERS, { search })).toBe('BAD_USER_INPUT');
  });
});

const EVERYTHING = `id name wallet { balance entries { edges { node { amount } } } }
  reservations { edges { node { id } } } orders { edges { node { id } } } payments { edges { node { id } } }
  tokens { id queueId userId value status }`;

describe('what a user has', () => {
  let buyer: Buyer;
  let has: { reservation: string; order: string; payment: string; queueId: string; token: string };
  beforeAll(async () => {
    buyer = await world.buyer();
    await charge(buyer, 50_000);
    const show = await makeShow(operator, { seatCount: 2 });
    const reservation = (await reserve(buyer, show.id, [show.seats[0] as string])).id;
    const payment = (await pay(buyer, reservation)).id;
    const product = await makeProduct(operator, { price: 10, stock: 5 });
    const placed = (await placeOrder(buyer, { [product]: 1 })).id;
    const queueId = await makeQueue(operator, { capacity: 0 });
    has = { reservation, payment, order: placed, queueId, token: (await enter(buyer, queueId)).value };
  });

  it('is told to operators and to the user, who alone learns the value of a token', async () => {
    const { me } = await buyer.get(`{ me { ${EVERYTHING} } }`);
    const { user } = await operator.get(`query ($id: ID!) { user(id: $id) { ${EVERYTHING} } }`, { id: buyer.id });
    expect(me).toMatchObject({
      wallet: { balance: 49_000, entries: { edges: [{ node: { amount: -1_000 } }, { node: { amount: 50_000 } }] } },
      reservations: { edges: [{ node: { id: has.reservation } }] },
      orders: { edges: [{ node: { id: has.order } }] },
      payments: { edges: [{ node: { id: has.payment } }] },
      tokens: [
        {
          id: publicIdOf({ value: has.token }),
          queueId: has.queueId,
          userId: buyer.id,
          value: has.token,
          status: 'WAITING',
        },
      ],
    });
    expect(user.tokens[0].value).not.toBe(has.token);
    expect({ ...user, tokens: [{ ...user.tokens[0], value: has.token }] }).toEqual(me);
  });

  it('a status selects reservations, and pages go on where they ended', async () => {
    const query = `query ($id: ID!, $after: String) { user(id: $id) {
      held: reservations(status: HELD) { edges { node { id } } }
      payments(first: 1, after: $after) { edges { node { id } } pageInfo { endCursor } } } }`;
    const { user } = await operator.get(query, { id: buyer.id });
    expect(user.held.edges).toEqual([]);
    const next = await operator.get(query, { id: buyer.id, after: user.payments.pageInfo.endCursor });
    expect(next.user.payments.edges).toEqual([]);
  });

  it('is not told to other buyers', async () => {
    for (const query of ['{ users { edges { node { id } } } }', `{ user(id: "${buyer.id}") { id } }`])
      expect(await (await world.buyer()).fail(query)).toBe('FORBIDDEN');
  });

  it('an unknown user is null, and an id that is none is BAD_USER_INPUT', async () => {
    expect(await operator.get('query ($id: ID!) { user(id: $id) { id } }', { id: randomUUID() })).toEqual({
      user: null,
    });
    expect(await operator.fail('{ user(id: "x") { id } }')).toBe('BAD_USER_INPUT');
  });
});
