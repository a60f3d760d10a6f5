import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { balanceOf, cancelCharge, charge, makeShow, pay, reserve, violationsOf } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { chainOf } from '../support/ledger.ts';
import { World } from '../support/world.ts';

const CANCEL = 'mutation ($input: CancelChargeInput!) { cancelCharge(input: $input) { __typename } }';

let world: World;
beforeAll(async () => {
  world = await World.open();
});
afterAll(() => world.close());

const at = (buyer: Buyer, index: number, processes = 2): Buyer => buyer.at(world.urls[index % processes] as string);

it('a charge that is cancelled leaves the wallet, and both entries say so', async () => {
  const buyer = await world.buyer(500);
  const charged = await charge(buyer, 2_000);
  expect(await cancelCharge(buyer, charged.id)).toMatchObject({
    ...{ __typename: 'LedgerEntry', kind: 'CHARGE_CANCEL', amount: -2_000, balanceBefore: 2_500, balanceAfter: 500 },
    cancels: { id: charged.id, kind: 'CHARGE', amount: 2_000 },
  });
  const { wallet } = await buyer.get(
    '{ wallet { balance entries { edges { node { kind amount cancels { id } payment { id } } } } } }',
  );
  expect(wallet.balance).toBe(500);
  expect(wallet.entries.edges.map(({ node }: Data) => node)).toEqual([
    { kind: 'CHARGE_CANCEL', amount: -2_000, cancels: { id: charged.id }, payment: null },
    { kind: 'CHARGE', amount: 2_000, cancels: null, payment: null },
    { kind: 'CHARGE', amount: 500, cancels: null, payment: null },
  ]);
});

describe.each([1, 2])('with %i processes', (processes) => {
  it('a charge cancelled 20 times at once under different keys is cancelled once, and 19 hear NOT_CANCELLABLE', async () => {
    const buyer = await world.buyer(100_000);
    const { id } = await charge(buyer, 1_000);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => cancelCharge(at(buyer, index, processes), id)),
    );
    expect(answers.filter(({ __typename }) => __typename === 'LedgerEntry')).toHaveLength(1);
    expect(answers.filter(({ code }) => code === 'NOT_CANCELLABLE')).toHaveLength(19);
    expect(await chainOf(world.pool, buyer.id)).toEqual({ entries: 3, unbroken: true, sum: 100_000 });
  });

  it('one key sent 50 times at once cancels once, and every answer is the same entry', async () => {
    const buyer = await world.buyer(100_000);
    const { id } = await charge(buyer, 1_000);
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => cancelCharge(at(buyer, index, processes), id, 'one key')),
    );
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(await balanceOf(buyer)).toBe(100_000);
  });
});

it('what has been spent, was cancelled, or is no charge stays as it is, and the refusal is replayed', async () => {
  const operator = await world.operator();
  const show = await makeShow(operator);
  const buyer = await world.buyer();
  const { id } = await charge(buyer, 1_500);
  const { id: reservationId } = await reserve(buyer, show.id, [show.seats[0] as string]);
  await pay(buyer, reservationId);
  expect(await cancelCharge(buyer, id, 'k')).toEqual({ __typename: 'Refusal', code: 'NOT_CANCELLABLE' });
  const { wallet } = await buyer.get('{ wallet { entries(first: 1) { edges { node { id kind payment { id } } } } } }');
  const [{ node: payment }] = wallet.entries.edges;
  expect(payment).toMatchObject({ kind: 'PAYMENT', payment: { id: expect.any(String) } });
  expect(await cancelCharge(buyer, payment.id)).toMatchObject({ code: 'NOT_CANCELLABLE' });
  await charge(buyer, 5_000);
  expect(await cancelCharge(buyer, id, 'k'), 'although the balance covers it now').toMatchObject({
    code: 'NOT_CANCELLABLE',
  });
  const cancelled = await cancelCharge(buyer, id);
  expect(await cancelCharge(buyer, cancelled.id), 'a cancellation is no charge').toMatchObject({
    code: 'NOT_CANCELLABLE',
  });
  expect(await balanceOf(buyer)).toBe(4_000);
  expect(await violationsOf(operator)).toEqual({});
});

it('an entry of nobody or of another wallet is NOT_FOUND, an id that is none BAD_USER_INPUT; nothing is kept of either', async () => {
  const [buyer, other] = (await world.buyers(2, 1_000)) as [Buyer, Buyer];
  const theirs = await charge(other, 500);
  const unknown = '00000000-0000-7000-8000-000000000000';
  for (const [entryId, code] of [
    [theirs.id, 'NOT_FOUND'],
    [unknown, 'NOT_FOUND'],
    ['no id', 'BAD_USER_INPUT'],
  ]) {
    expect(await buyer.fail(CANCEL, { input: { entryId, idempotencyKey: 'k' } })).toBe(code);
  }
  const mine = await charge(buyer, 200);
  expect(await cancelCharge(buyer, mine.id, 'k')).toMatchObject({ kind: 'CHARGE_CANCEL' });
  expect(await cancelCharge(buyer, theirs.id, 'k')).toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' });
  expect([await balanceOf(buyer), await balanceOf(other)]).toEqual([1_000, 1_500]);
});

it('charges, cancellations and payments of one wallet at once over two processes lose and invent nothing', async () => {
  const operator = await world.operator();
  const show = await makeShow(operator, { seatCount: 8 });
  const buyer = await world.buyer(3_000);
  const charges: Data[] = [];
  for (let i = 0; i < 20; i++) charges.push(await charge(buyer, 100));
  const held = await Promise.all(show.seats.map((seat) => reserve(buyer, show.id, [seat])));
  const answers = await Promise.all([
    ...charges.map(({ id }, index) => cancelCharge(at(buyer, index), id)),
    ...held.map(({ id }, index) => pay(at(buyer, index), id)),
    ...charges.map((_, index) => charge(at(buyer, index), 50)),
  ]);
  const moved = answers.reduce((sum, { __typename, kind, amount }) => {
    if (__typename === 'Payment') return sum - amount;
    return kind ? sum + amount : sum;
  }, 5_000);
  expect(await balanceOf(buyer)).toBe(moved);
  expect(await violationsOf(operator)).toEqual({});
});
