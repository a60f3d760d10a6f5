import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { charge, makeConcert } from '../support/builders.ts';
import type { Buyer } from '../support/client.ts';
import { World } from '../support/world.ts';

let world: World;
let buyer: Buyer;
beforeAll(async () => {
  world = await World.open({ processes: 1 });
  buyer = await world.buyer();
  for (let i = 0; i < 3; i++) {
    await makeConcert(await world.operator());
    await charge(buyer, 100 + i);
  }
});
afterAll(() => world.close());

/** A page of each connection there is. */
const LISTS = {
  concerts:
    'query ($first: Int!, $after: String) { concerts(first: $first, after: $after) { edges { cursor } pageInfo { hasNextPage endCursor } } }',
  entries:
    'query ($first: Int!, $after: String) { wallet { entries(first: $first, after: $after) { edges { cursor } pageInfo { hasNextPage endCursor } } } }',
  reservations:
    'query ($first: Int!, $after: String) { reservations(first: $first, after: $after) { edges { cursor } } }',
  payments: 'query ($first: Int!, $after: String) { payments(first: $first, after: $after) { edges { cursor } } }',
};

async function expectRefused(query: string, variables: object): Promise<void> {
  const { errors } = await buyer.ask(query, variables);
  expect(errors, JSON.stringify(variables)).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
  expect(errors?.[0]?.message).not.toMatch(/select|where|limit |syntax|column|uuid/i);
}

describe.each(Object.entries(LISTS))('%s', (_name, query) => {
  it('takes from 1 to 100 at once, and nothing else', async () => {
    for (const first of [1, 100]) expect((await buyer.ask(query, { first })).errors).toBeUndefined();
    for (const first of [0, -1, 101, 1_000_000, 2 ** 31 - 1, -(2 ** 31), 2 ** 31, 1.5, '1', null]) {
      await expectRefused(query, { first });
    }
  });

  it('takes no cursor that it did not give', async () => {
    const foreign = await buyer.get(LISTS[query === LISTS.concerts ? 'entries' : 'concerts'], { first: 1 });
    const { cursor } = (foreign.concerts ?? foreign.wallet.entries).edges[0];
    const forged = (text: string) => Buffer.from(text).toString('base64url');
    const name = { concerts: 'concert', entries: 'entry', reservations: 'reservation', payments: 'payment' };
    const own = name[_name as keyof typeof name];
    const all = [
      '',
      'x',
      '%',
      '🎟',
      '\0',
      cursor,
      forged(`${own}:`),
      forged(`${own}:1 or 1=1`),
      forged(`${own}:'; drop table`),
    ];
    for (const after of [...all, forged(`${own}:${'9'.repeat(400)}`), forged(`${own}:-1`), 'A'.repeat(100_000)]) {
      await expectRefused(query, { first: 1, after });
    }
  });
});

it('a cursor that was given leads on, and cut short or padded it leads nowhere', async () => {
  const page = (await buyer.get(LISTS.concerts, { first: 2 })).concerts;
  expect(page).toMatchObject({ edges: [{}, {}], pageInfo: { hasNextPage: true } });
  const after = page.pageInfo.endCursor;
  const rest = (await buyer.get(LISTS.concerts, { first: 2, after })).concerts;
  expect(rest).toMatchObject({ edges: [{}], pageInfo: { hasNextPage: false } });
  for (const bent of [after.slice(0, -1), after.slice(1), `${after}=`, ` ${after}`, `${after}\n`, after.slice(0, 10)]) {
    await expectRefused(LISTS.concerts, { first: 2, after: bent });
  }
});

it('a null for an argument that has a default is the fault of who sent it', async () => {
  const query = 'query ($first: Int) { concerts(first: $first) { edges { cursor } } }';
  await expectRefused(query, { first: null });
  expect((await buyer.get(query)).concerts.edges).toHaveLength(3);
});
