import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { balanceOf, violationsOf } from '../support/builders.ts';
import { adjustWallet } from '../support/charges.ts';
import type { Buyer, Data } from '../support/client.ts';
import { chainOf } from '../support/ledger.ts';
import { World } from '../support/world.ts';

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open({ env: { BALANCE_LIMIT: '1000000' } });
  operator = await world.operator();
});
afterAll(() => world.close());

it('an adjustment is an entry with its reason, which the owner reads, a row of the log, and an event', async () => {
  const buyer = await world.buyer(500);
  const reason = 'a refund came by mistake';
  const taken = await adjustWallet(operator, buyer.id, -200, { reason });
  expect(taken).toMatchObject({ kind: 'ADJUSTMENT', amount: -200, balanceAfter: 300, reason });
  expect(await adjustWallet(operator, buyer.id, 50)).toMatchObject({ amount: 50, balanceAfter: 350 });
  const { wallet } = await buyer.get('{ wallet { balance entries { edges { node { kind amount reason } } } } }');
  expect(wallet.balance).toBe(350);
  expect(wallet.entries.edges.map(({ node }: Data) => node)).toEqual([
    { kind: 'ADJUSTMENT', amount: 50, reason: 'a reason' },
    { kind: 'ADJUSTMENT', amount: -200, reason },
    { kind: 'CHARGE', amount: 500, reason: null },
  ]);
  const { rows } = await world.pool.query(
    `select operator_id as operator, subject_ids @> array[$1::uuid, $2::uuid] as "isIts" from operator_log
     where mutation = 'adjustWallet' and subject_ids @> array[$1::uuid]`,
    [taken.id, buyer.id],
  );
  expect(rows).toEqual([{ operator: operator.id, isIts: true }]);
  const events = await world.pool.query(
    `select data from outbox where type = 'wallet.adjusted.v1' and aggregate = $1 order by sequence`,
    [buyer.id],
  );
  expect(events.rows[0]).toEqual({ data: { userId: buyer.id, entryId: taken.id, amount: -200 } });
});

it('more than there is, and more than BALANCE_LIMIT, are refused and change nothing; the refusal is kept', async () => {
  const buyer = await world.buyer(500);
  const idempotencyKey = randomUUID();
  const refused = { __typename: 'InsufficientBalance', balance: 500, required: 501, code: 'INSUFFICIENT_BALANCE' };
  expect(await adjustWallet(operator, buyer.id, -501, { idempotencyKey })).toEqual(refused);
  expect(await adjustWallet(operator, buyer.id, 999_501)).toMatchObject({ code: 'BALANCE_LIMIT' });
  const tooMuch = `mutation { adjustWallet(input: { userId: "${buyer.id}", amount: 999501, reason: "too much", idempotencyKey: "too much" }) {
    ... on Problem { message } } }`;
  expect(await operator.get(tooMuch)).toEqual({
    adjustWallet: { message: 'The wallet cannot hold that much money: at most KRW 1,000,000.' },
  });
  await adjustWallet(operator, buyer.id, 100);
  expect(await adjustWallet(operator, buyer.id, -501, { idempotencyKey })).toEqual(refused);
  expect(await balanceOf(buyer)).toBe(600);
});

it('one key sent 20 times at once over two processes adjusts once; with another input it is a conflict', async () => {
  const buyer = await world.buyer(500);
  const idempotencyKey = randomUUID();
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      adjustWallet(operator.at(world.urls[index % 2] as string), buyer.id, 7, { idempotencyKey }),
    ),
  );
  expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
  expect(await adjustWallet(operator, buyer.id, 8, { idempotencyKey })).toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' });
  expect(await chainOf(world.pool, buyer.id)).toEqual({ entries: 2, unbroken: true, sum: 507 });
});

it.each([
  ['0', 'BAD_USER_INPUT', { amount: 0 }],
  ['an amount beyond 1,000,000,000,000', 'BAD_USER_INPUT', { amount: -1_000_000_000_001 }],
  ['no reason', 'BAD_USER_INPUT', { reason: '' }],
  ['a reason of 501 characters', 'BAD_USER_INPUT', { reason: 'x'.repeat(501) }],
  ['an id that is none', 'BAD_USER_INPUT', { userId: 'x' }],
  ['a user that there is not', 'NOT_FOUND', { userId: randomUUID() }],
])('%s is %s and changes nothing', async (_what, code, wrong) => {
  const buyer = await world.buyer(500);
  const input = { userId: buyer.id, amount: 1, reason: 'a reason', idempotencyKey: randomUUID(), ...wrong };
  const query = 'mutation ($input: AdjustWalletInput!) { adjustWallet(input: $input) { __typename } }';
  expect(await operator.fail(query, { input })).toBe(code);
  expect(await chainOf(world.pool, buyer.id)).toEqual({ entries: 1, unbroken: true, sum: 500 });
});

it('an adjustment that no operator is logged for is found by the audit, and so is a row of the log without one', async () => {
  expect(await violationsOf(operator)).toEqual({});
  const buyer = await world.buyer(500);
  const { id } = await adjustWallet(operator, buyer.id, 1);
  await world.pool.query('alter table operator_log disable trigger user');
  await world.pool.query(`update operator_log set subject_ids = array_remove(subject_ids, $1) where mutation = $2`, [
    id,
    'adjustWallet',
  ]);
  expect(await violationsOf(operator)).toEqual({
    'adjustments-logged': [
      expect.stringContaining(`entry ${id}: 1 in wallet ${buyer.id}`),
      expect.stringMatching(/^operator_log \d+: adjustWallet without its entry$/),
    ],
  });
});
