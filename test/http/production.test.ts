import { afterAll, beforeAll, expect, it } from 'vitest';
import { balanceOf } from '../support/builders.ts';
import { chargeWallet } from '../support/charges.ts';
import { type GraphqlError, post } from '../support/client.ts';
import { Socket } from '../support/socket.ts';
import { World } from '../support/world.ts';

let world: World;
let production: string;
let development: string;
/** Production with the explorer switched on. */
let explored: string;
beforeAll(async () => {
  world = await World.open({ processes: 0 });
  [production, development, explored] = (
    await Promise.all([
      world.startProcess({ NODE_ENV: 'production', DEMO_DATA: '' }),
      world.startProcess(),
      world.startProcess({ NODE_ENV: 'production', EXPLORER: 'on' }),
    ])
  ).map(({ url }) => url) as [string, string, string];
});
afterAll(() => world.close());

const INTROSPECTIONS = ['{ __schema { types { name } } }', '{ __type(name: "User") { fields { name } } }'];
const TYPOS = [
  '{ setting { currency } }',
  '{ concerts(frist: 1) { edges { cursor } } }',
  '{ settings { curency } }',
  'query ($a: CredentialInput) { settings { currency } }',
  '{ reservations(status: HOLD) { edges { cursor } } }',
];

async function overSocket(url: string, query: string): Promise<unknown> {
  const socket = await Socket.ready(url);
  socket.subscribe('1', query);
  const { payload } = await socket.until(({ id }) => id === '1');
  await socket.close();
  return payload;
}

it('with NODE_ENV=production the schema can be asked for where the explorer is switched on', async () => {
  for (const query of INTROSPECTIONS) {
    const { status, errors } = await post(explored, query);
    expect({ status, errors }).toEqual({ status: 200, errors: undefined });
  }
});

it('with NODE_ENV=production introspection is refused over HTTP and WebSocket', async () => {
  for (const query of INTROSPECTIONS) {
    const { status, data, errors } = await post(production, query);
    expect({ status, data: data ?? null }).toEqual({ status: 400, data: null });
    expect(errors?.length).toBeGreaterThan(0);
    for (const { extensions } of errors ?? []) expect(extensions).toEqual({ code: 'GRAPHQL_VALIDATION_FAILED' });
    const overWebSocket = (await overSocket(production, query.replace('{', 'subscription {'))) as GraphqlError[];
    expect(Array.isArray(overWebSocket) && overWebSocket.length).toBeGreaterThan(0);
    for (const { extensions } of overWebSocket) expect(extensions.code).toBe('GRAPHQL_VALIDATION_FAILED');
  }
});

it('with NODE_ENV=production a mistake is told without names that the caller did not know', async () => {
  for (const query of TYPOS) {
    const { errors } = await post(production, query);
    expect(errors?.length).toBeGreaterThan(0);
    for (const { message } of errors ?? []) expect(message).not.toMatch(/did you mean/i);
  }
  for (const field of ['queueStat(queueId: "x") { waiting }', 'queueStats(queId: "x") { waitin }']) {
    const told = JSON.stringify(await overSocket(production, `subscription { ${field} }`));
    expect(told).toContain('GRAPHQL_VALIDATION_FAILED');
    expect(told).not.toMatch(/did you mean/i);
  }
  const variable = await post(
    production,
    'query ($s: ReservationStatus) { reservations(status: $s) { edges { cursor } } }',
    { s: 'HOLD' },
  );
  expect(variable.errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
  expect(variable.errors?.[0]?.message).not.toMatch(/did you mean/i);
});

it('otherwise both are served, which is what a developer wants', async () => {
  const { data } = await post(development, INTROSPECTIONS[0] as string);
  expect(data.__schema.types.length).toBeGreaterThan(20);
  for (const query of TYPOS) {
    const { errors } = await post(development, query);
    expect(errors?.map(({ message }) => message).join()).toMatch(/did you mean/i);
  }
});

it('with NODE_ENV=production there is no demo data', async () => {
  const { data } = await post(production, '{ concerts { edges { node { id } } } }');
  expect(data.concerts.edges).toEqual([]);
});

it('with NODE_ENV=production nobody charges the own wallet, and operators charge any; elsewhere it is open', async () => {
  const [operator, buyer] = [await world.operator(), await world.buyer(10)];
  const charged = 'mutation { charge(input: { amount: 5, idempotencyKey: "k" }) { __typename } }';
  for (const caller of [buyer, operator]) expect(await caller.at(production).fail(charged)).toBe('FORBIDDEN');
  expect(await balanceOf(buyer.at(production))).toBe(10);
  const { entries } = (await buyer.at(production).get('{ wallet { entries { edges { node { id } } } } }')).wallet;
  const cancel = `mutation { cancelCharge(input: { entryId: "${entries.edges[0].node.id}", idempotencyKey: "k" }) { __typename } }`;
  expect(await buyer.at(production).fail(cancel)).toBe('FORBIDDEN');
  expect(await chargeWallet(operator.at(production), buyer.id, 7)).toMatchObject({ kind: 'CHARGE', balanceAfter: 17 });
  const modes = [production, development].map(
    async (url) => (await post(url, '{ settings { charges } }')).data.settings,
  );
  expect(await Promise.all(modes)).toEqual([{ charges: 'OPERATOR' }, { charges: 'OPEN' }]);
  expect((await buyer.at(development).get(charged)).charge).toEqual({ __typename: 'LedgerEntry' });
  const webhook = await fetch(new URL('/webhooks/charges', production), { method: 'POST', body: '{}' });
  expect(webhook.status, 'without a secret there is no webhook').toBe(404);
});
