import { buildSchema, getNamedType, isInterfaceType, isObjectType } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { charge, makeConcert, makeQueue, makeShow, pay, reserve } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { forgedCursor } from '../support/cursors.ts';
import { makeCoupon, makeProduct, placeOrder } from '../support/shop.ts';
import { read } from '../support/sources.ts';
import { World } from '../support/world.ts';

let world: World;
let buyer: Buyer;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open({ processes: 1 });
  operator = await world.operator();
  [buyer] = (await world.buyers(2)) as [Buyer, Buyer];
  const show = await makeShow(operator, { seatCount: 3 });
  const productId = await makeProduct(operator);
  for (let i = 0; i < 3; i++) {
    await makeConcert(operator);
    await makeQueue(operator, { capacity: 1 });
    await makeProduct(operator, { name: `thing ${i % 2}`, price: 100 * (i % 2) });
    await makeCoupon(operator);
    await charge(buyer, 1_000);
    await placeOrder(buyer, { [productId]: 1 });
    const { id } = await reserve(buyer, show.id, [show.seats[i] as string]);
    await pay(buyer, id);
  }
  await world.pool.query(
    `with channel as (
       insert into alert_channel (id, name, kind, url) values (gen_random_uuid(), 'a', 'WEBHOOK', 'https://example.com') returning id
     )
     insert into alert (id, channel_id, text, status, send_at, due_at)
     select gen_random_uuid(), id, 'a text', 'SENT', clock_timestamp(), clock_timestamp() from channel, generate_series(1, 3)`,
  );
  // Two webhooks did not take the same two events.
  await world.pool.query(
    `with hooks as (
       insert into webhook (id, url, events, secret, created_at)
       select gen_random_uuid(), 'https://example.com', '{payment.completed.v1}', 'a secret', clock_timestamp()
       from generate_series(1, 2) returning id
     )
     insert into webhook_delivery (webhook_id, sequence, aggregate, status, last_error, ended_at)
     select h.id, o.sequence, o.aggregate, 'DEAD', 'HTTP 500', clock_timestamp()
     from hooks h, (select * from outbox where type = 'payment.completed.v1' order by sequence limit 2) o`,
  );
});
afterAll(() => world.close());

interface List {
  /** The field, with the arguments that every page of the list has. */
  readonly field: string;
  /** Where its connection is reached, `%` standing for the field; at the root where left out. */
  readonly at?: string;
  /** What its cursors begin with. */
  readonly name: string;
  /** A text that a client may have made up as the key of a row. */
  readonly forgedKeys: readonly string[];
}

const ID = '0190a000-0000-7000-8000-000000000000';

const byId = (name: string, at?: string): List => ({
  field: `${name}s`,
  ...(at && { at }),
  name,
  forgedKeys: ['', 'x', '1 or 1=1', `${ID.slice(1)}`, `${ID} `, "'; drop table"],
});

const byValue = (field: string, name: string): List => ({
  field,
  name,
  forgedKeys: ['', ID, `x 1`, `${ID} a\0b`],
});

/** Every list of the schema, in each order that it has. */
const LISTS: Record<string, List> = {
  alerts: byId('alert'),
  concerts: byId('concert'),
  coupons: byId('coupon'),
  deadLetters: {
    field: 'deadLetters',
    name: 'deadLetter',
    forgedKeys: ['1', `-1 ${ID}`, '1 x', `1 ${ID} 1`, `01 ${ID}`, `${'9'.repeat(400)} ${ID}`],
  },
  entries: {
    field: 'entries',
    at: 'wallet { % }',
    name: 'entry',
    forgedKeys: ['', '-1', '01', '1.5', '9'.repeat(400)],
  },
  operatorLog: { field: 'operatorLog', name: 'operatorLog', forgedKeys: ['', '-1', '01', 'x'] },
  orders: byId('order'),
  payments: byId('payment'),
  ...Object.fromEntries(
    ['NEWEST', 'PRICE_ASC', 'PRICE_DESC', 'NAME'].map((sort) => [
      `products by ${sort}`,
      sort === 'NEWEST'
        ? { ...byId(`product ${sort}`), field: `products(sort: ${sort})` }
        : byValue(`products(sort: ${sort})`, `product ${sort}`),
    ]),
  ),
  queues: byId('queue'),
  reservations: byId('reservation'),
  ...Object.fromEntries(
    ['NEWEST', 'OLDEST', 'AMOUNT_DESC', 'AMOUNT_ASC'].map((sort) => [
      `sales by ${sort}`,
      byValue(`sales(sort: ${sort})`, `sales ${sort}`),
    ]),
  ),
  users: byValue('users', 'user'),
  'orders of a user': byId('order', 'user(id: "$owner") { % }'),
  'payments of a user': byId('payment', 'user(id: "$owner") { % }'),
  'reservations of a user': byId('reservation', 'user(id: "$owner") { % }'),
};

/** The lists that a buyer reads, those that operators read, and those that only the owner has. */
function reader(name: string): Buyer {
  return ['entries', 'orders', 'payments', 'reservations', 'concerts'].includes(name) ? buyer : operator;
}

const ARGUMENTS = 'first: $first, after: $after, last: $last, before: $before';

function queryOf({ field, at = '%' }: List): string {
  const called = field.endsWith(')') ? `${field.slice(0, -1)}, ${ARGUMENTS})` : `${field}(${ARGUMENTS})`;
  const list = `list: ${called} { edges { cursor node { __typename } } pageInfo { hasPreviousPage hasNextPage startCursor endCursor } }`;
  return `query ($first: Int, $after: String, $last: Int, $before: String) { ${at.replace('%', list).replace('$owner', buyer.id)} }`;
}

/** The connection in the data of an answer, wherever it is. */
function listIn(data: Data): Data {
  return data.list ?? (data.wallet ?? data.user).list;
}

interface PageArguments {
  readonly first?: unknown;
  readonly after?: unknown;
  readonly last?: unknown;
  readonly before?: unknown;
}

async function pageOf(name: string, args: PageArguments): Promise<{ cursors: string[]; pageInfo: Data }> {
  const { edges, pageInfo } = listIn(await reader(name).get(queryOf(LISTS[name] as List), args));
  const cursors: string[] = edges.map(({ cursor }: Data) => cursor);
  expect([pageInfo.startCursor, pageInfo.endCursor]).toEqual([cursors[0] ?? null, cursors.at(-1) ?? null]);
  return { cursors, pageInfo };
}

async function expectRefused(name: string, args: PageArguments, argument: string): Promise<void> {
  const { errors } = await reader(name).ask(queryOf(LISTS[name] as List), args);
  expect(errors, JSON.stringify(args)).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT', argument } }]);
  expect(errors?.[0]?.message).not.toMatch(/select|where|limit |syntax|column|uuid/i);
}

it('every field that answers a connection takes the same arguments, and is in the table of lists', () => {
  const fields = Object.values(buildSchema(read('schema/schema.graphql')).getTypeMap())
    .filter((type) => isObjectType(type) || isInterfaceType(type))
    .flatMap((type) => Object.values(type.getFields()).map((field) => ({ owner: type.name, ...field })))
    .filter(({ type }) => getNamedType(type).name.endsWith('Connection'));
  for (const { args } of fields) {
    const paging = args.filter(({ name }) => ['first', 'after', 'last', 'before'].includes(name));
    expect(paging.map(({ name, type }) => `${name}: ${type}`)).toEqual([
      ...['after: String', 'before: String', 'first: Int', 'last: Int'],
    ]);
    expect(paging.every(({ defaultValue }) => defaultValue === undefined)).toBe(true);
  }
  const places = fields.map(({ owner, name }) => `${owner}.${name}`).sort();
  const tested = Object.values(LISTS).map(({ field, at }) => {
    const owner = at === undefined ? 'Query' : at.startsWith('wallet') ? 'Wallet' : 'User';
    return `${owner}.${field.replace(/\(.*/, '')}`;
  });
  expect([...new Set(tested)].sort()).toEqual(places);
});

describe.each(Object.keys(LISTS))('%s', (name) => {
  it('pages lead forwards and backwards over the same rows in the same order', async () => {
    const { cursors: all } = await pageOf(name, { first: 100 });
    expect(all.length).toBeGreaterThanOrEqual(3);
    expect(new Set(all).size).toBe(all.length);
    const size = Math.ceil(all.length / 2);
    const [begin, end] = [all.slice(0, size), all.slice(size)];

    const first = await pageOf(name, { first: size });
    expect(first.cursors).toEqual(begin);
    expect(first.pageInfo).toMatchObject({ hasPreviousPage: false, hasNextPage: true });
    const next = await pageOf(name, { first: size, after: first.pageInfo.endCursor });
    expect(next.cursors).toEqual(end);
    expect(next.pageInfo).toMatchObject({ hasPreviousPage: true, hasNextPage: false });
    const back = await pageOf(name, { last: size, before: next.pageInfo.startCursor });
    expect(back.cursors).toEqual(begin);
    expect(back.pageInfo).toMatchObject({ hasPreviousPage: false, hasNextPage: true });

    const last = await pageOf(name, { last: end.length });
    expect(last.cursors).toEqual(end);
    expect(last.pageInfo).toMatchObject({ hasPreviousPage: true, hasNextPage: false });
    const middle = await pageOf(name, { last: 1, before: last.pageInfo.startCursor });
    expect(middle.cursors).toEqual([begin.at(-1)]);
    expect(middle.pageInfo).toMatchObject({ hasPreviousPage: true, hasNextPage: true });
  });

  it('before the first row and behind the last one there is an empty page', async () => {
    const { cursors } = await pageOf(name, { first: 100 });
    const none = { startCursor: null, endCursor: null };
    const [first, last] = [cursors[0], cursors.at(-1)];
    const beyond: [PageArguments, object][] = [
      [
        { last: 2, before: first },
        { hasPreviousPage: false, hasNextPage: true },
      ],
      [
        { first: 2, before: first },
        { hasPreviousPage: false, hasNextPage: false },
      ],
      [
        { first: 2, after: last },
        { hasPreviousPage: true, hasNextPage: false },
      ],
      [
        { last: 2, after: last },
        { hasPreviousPage: false, hasNextPage: false },
      ],
    ];
    for (const [args, info] of beyond) {
      expect(await pageOf(name, args), JSON.stringify(args)).toEqual({ cursors: [], pageInfo: { ...none, ...info } });
    }
  });

  it('between two rows there are those between them, from either end', async () => {
    const { cursors } = await pageOf(name, { first: 100 });
    const [after, before] = [cursors[0], cursors.at(-1)];
    const between = cursors.slice(1, -1);
    const range = { after, before };
    expect((await pageOf(name, range)).cursors).toEqual(between.slice(0, 20));
    const forwards = await pageOf(name, { ...range, first: between.length });
    expect(forwards.cursors).toEqual(between);
    expect(forwards.pageInfo).toMatchObject({ hasPreviousPage: true, hasNextPage: false });
    const backwards = await pageOf(name, { ...range, last: between.length });
    expect(backwards.cursors).toEqual(between);
    expect(backwards.pageInfo).toMatchObject({ hasPreviousPage: false, hasNextPage: true });
    expect((await pageOf(name, { after: before, before: after })).cursors).toEqual([]);
  });

  it('takes no cursor that it did not give', async () => {
    const { name: own, forgedKeys } = LISTS[name] as List;
    const other = name === 'concerts' ? 'entries' : 'concerts';
    const foreign = (await pageOf(other, { first: 1 })).pageInfo.endCursor as string;
    const given = (await pageOf(name, { first: 1 })).pageInfo.endCursor as string;
    const forged = forgedKeys.map((key) => forgedCursor(own, key));
    const bent = [
      given.slice(1),
      `${given}=`,
      ` ${given}`,
      `${given}\n`,
      given.slice(0, -1),
      given.slice(0, -2),
      given.slice(0, -3),
    ];
    for (const cursor of ['', 'x', '\0', foreign, ...forged, ...bent]) {
      await expectRefused(name, { first: 1, after: cursor }, 'after');
      await expectRefused(name, { last: 1, before: cursor }, 'before');
    }
  });
});

it('a page has from 1 to 100 rows, 20 where nothing is said', async () => {
  for (const size of [1, 100]) {
    expect((await pageOf('concerts', { first: size })).cursors).toHaveLength(Math.min(size, 4));
    expect((await pageOf('concerts', { last: size })).cursors).toHaveLength(Math.min(size, 4));
  }
  for (const size of [0, -1, 101, 1_000_000, 2 ** 31 - 1, -(2 ** 31), 2 ** 31, 1.5, '1']) {
    await expectRefused('concerts', { first: size }, 'first');
    await expectRefused('entries', { last: size }, 'last');
  }
  await world.pool.query(
    `insert into concert (id, title, description, slug)
     select gen_random_uuid(), 'one of many', '', 'one-of-many-' || n from generate_series(1, 25) n`,
  );
  for (const args of [{}, { first: null, last: null, after: null, before: null }]) {
    expect((await pageOf('concerts', args)).cursors).toHaveLength(20);
  }
});

it('rows are asked for from the start or from the end, not both', async () => {
  await expectRefused('concerts', { first: 1, last: 1 }, 'last');
  await expectRefused('entries', { first: 1, last: 101 }, 'last');
  expect((await pageOf('concerts', { first: null, last: 1 })).cursors).toHaveLength(1);
});

it('a cursor of one order of a list is none of another', async () => {
  const { endCursor } = (await pageOf('products by NEWEST', { first: 1 })).pageInfo;
  await expectRefused('products by NAME', { first: 1, after: endCursor }, 'after');
});
