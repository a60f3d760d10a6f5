import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  balanceOf,
  CANCEL_PAYMENT,
  cancelPayment,
  charge,
  eventually,
  type MadeShow,
  makeShow,
  pay,
  reserve,
  violationsOf,
} from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { chainOf } from '../support/ledger.ts';
import { World } from '../support/world.ts';

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
});
afterAll(() => world.close());

const at = (buyer: Buyer, index: number, processes: number): Buyer => buyer.at(world.urls[index % processes] as string);

/** A payment for the first two seats of a show of its own. */
async function bought(buyer: Buyer, input = {}): Promise<{ show: MadeShow; reservation: Data; payment: Data }> {
  const show = await makeShow(operator, input);
  const reservation = await reserve(buyer, show.id, show.seats.slice(0, 2));
  return { show, reservation, payment: await pay(buyer, reservation.id) };
}

async function start(show: MadeShow): Promise<void> {
  await world.pool.query('update show set starts_at = clock_timestamp() where id = $1', [show.id]);
}

it('a cancelled payment gives the money back, puts the seats on sale again and tells who watches them', async () => {
  const [buyer, watcher] = (await world.buyers(2, 5_000)) as [Buyer, Buyer];
  const { show, reservation, payment } = await bought(buyer);
  const feed = watcher.watch(
    'subscription ($id: ID!) { seatChanges(showId: $id) { seats { number status revision } } }',
    { id: show.id },
  );
  await eventually(async () => (await world.redis.pubsub('NUMSUB', `onsale:seats:${show.id}`))[1] !== 0);
  const cancelled = await cancelPayment(buyer, payment.id);
  expect(cancelled).toMatchObject({
    ...{ __typename: 'Payment', id: payment.id, amount: 2_000, status: 'CANCELLED', failure: null },
    payable: { id: reservation.id, status: 'CANCELLED' },
  });
  expect(Math.abs(Date.parse(cancelled.cancelledAt) - Date.now())).toBeLessThan(10_000);
  const { seatChanges } = await feed.until(() => true);
  expect(seatChanges.seats).toEqual([1, 2].map((number) => ({ number, status: 'AVAILABLE', revision: 3 })));
  await feed.close();
  const { wallet } = await buyer.get(
    '{ wallet { balance entries(first: 2) { edges { node { kind amount payment { id } } } } } }',
  );
  expect(wallet.balance).toBe(5_000);
  expect(wallet.entries.edges.map(({ node }: Data) => node)).toEqual([
    { kind: 'REFUND', amount: 2_000, payment: { id: payment.id } },
    { kind: 'PAYMENT', amount: -2_000, payment: { id: payment.id } },
  ]);
  const read = await buyer.get(
    'query ($id: ID!, $c: ID!) { reservation(id: $id) { status payment { id status } } concert(id: $c) { shows { availableCount } } }',
    { id: reservation.id, c: show.concertId },
  );
  expect(read.reservation).toEqual({ status: 'CANCELLED', payment: { id: payment.id, status: 'CANCELLED' } });
  await eventually(async () => {
    const { concert } = await watcher.get('query ($c: ID!) { concert(id: $c) { shows { availableCount } } }', {
      c: show.concertId,
    });
    return concert.shows[0].availableCount === 50;
  });
  expect(await reserve(watcher, show.id, show.seats.slice(0, 2))).toMatchObject({ status: 'HELD' });
  expect(await violationsOf(operator)).toEqual({});
});

describe.each([1, 2])('with %i processes', (processes) => {
  it('a payment cancelled 50 times at once under different keys is refunded once, and 49 hear NOT_CANCELLABLE', async () => {
    const buyer = await world.buyer(5_000);
    const { payment } = await bought(buyer);
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => cancelPayment(at(buyer, index, processes), payment.id)),
    );
    expect(answers.filter(({ status }) => status === 'CANCELLED')).toHaveLength(1);
    expect(answers.filter(({ code }) => code === 'NOT_CANCELLABLE')).toHaveLength(49);
    expect(await chainOf(world.pool, buyer.id)).toEqual({ entries: 3, unbroken: true, sum: 5_000 });
    expect(await violationsOf(operator)).toEqual({});
  });

  it('one key sent 50 times at once refunds once, and every answer is the same payment', async () => {
    const buyer = await world.buyer(5_000);
    const { payment } = await bought(buyer);
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => cancelPayment(at(buyer, index, processes), payment.id, 'one key')),
    );
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(answers[0]).toMatchObject({ id: payment.id, status: 'CANCELLED' });
    expect(await chainOf(world.pool, buyer.id)).toEqual({ entries: 3, unbroken: true, sum: 5_000 });
  });

  it('owner and operator cancel at once, even with equal keys: one refund', async () => {
    const buyer = await world.buyer(5_000);
    const { payment } = await bought(buyer);
    const answers = await Promise.all([
      cancelPayment(at(buyer, 0, processes), payment.id, payment.id),
      cancelPayment(at(operator, 1, processes), payment.id, payment.id),
    ]);
    expect(answers.map(({ status, code }) => status ?? code).sort()).toEqual(['CANCELLED', 'NOT_CANCELLABLE']);
    expect(await balanceOf(buyer)).toBe(5_000);
  });
});

it('the process killed after the commit and before the answer: the retry gets that payment, and one refund', async () => {
  const doomed = await world.startProcess({}, './die-after-payment.ts');
  const buyer = await world.buyer(5_000);
  const { show, payment } = await bought(buyer);
  await expect(cancelPayment(buyer.at(doomed.url), payment.id, 'k')).rejects.toThrow();
  await eventually(() => doomed.child.signalCode === 'SIGKILL');
  expect(await balanceOf(buyer)).toBe(5_000);
  expect(await cancelPayment(buyer, payment.id, 'k')).toMatchObject({ id: payment.id, status: 'CANCELLED' });
  expect(await chainOf(world.pool, buyer.id)).toEqual({ entries: 3, unbroken: true, sum: 5_000 });
  expect(await reserve(await world.buyer(), show.id, show.seats.slice(0, 2))).toMatchObject({ status: 'HELD' });
});

it('its owner may cancel until the show starts, an operator always', async () => {
  const buyer = await world.buyer(5_000);
  const { show, payment } = await bought(buyer);
  await start(show);
  expect(await cancelPayment(buyer, payment.id, 'k')).toMatchObject({ code: 'NOT_CANCELLABLE' });
  expect(await balanceOf(buyer)).toBe(3_000);
  expect((await world.pool.query('select from ticket where show_id = $1', [show.id])).rowCount).toBe(2);
  expect(await cancelPayment(operator, payment.id)).toMatchObject({ id: payment.id, status: 'CANCELLED' });
  expect(await balanceOf(buyer)).toBe(5_000);
  expect(await balanceOf(operator)).toBe(0);
  expect(await cancelPayment(buyer, payment.id, 'k'), 'the refusal is replayed').toMatchObject({
    ...{ __typename: 'Refusal', code: 'NOT_CANCELLABLE', message: expect.stringMatching(/cancelled/) },
  });
});

it('a payment of 0 is cancelled without an entry, and a refund is never too much for BALANCE_LIMIT', async () => {
  const buyer = await world.buyer(5_000);
  const { show, payment } = await bought(buyer, { price: 0 });
  expect(await cancelPayment(buyer, payment.id)).toMatchObject({ status: 'CANCELLED', amount: 0 });
  expect(await chainOf(world.pool, buyer.id)).toMatchObject({ entries: 1 });
  expect((await world.pool.query('select from ticket where show_id = $1', [show.id])).rowCount).toBe(0);
  const rich = await world.buyer(1_000_000_000);
  const { payment: dear } = await bought(rich);
  expect(await charge(rich, 2_000)).toMatchObject({ balanceAfter: 1_000_000_000 });
  expect(await cancelPayment(rich, dear.id)).toMatchObject({ status: 'CANCELLED' });
  expect(await balanceOf(rich)).toBe(1_000_002_000);
});

it("an unknown or another's payment is NOT_FOUND and stays, one that FAILED is NOT_CANCELLABLE, a key used otherwise a conflict", async () => {
  const [buyer, stranger] = (await world.buyers(2, 5_000)) as [Buyer, Buyer];
  const { payment } = await bought(buyer);
  const poor = await world.buyer();
  const { payment: failed } = await bought(poor);
  expect(failed.code).toBe('INSUFFICIENT_BALANCE');
  const { payments } = await poor.get('{ payments { edges { node { id } } } }');
  expect(await cancelPayment(poor, payments.edges[0].node.id)).toMatchObject({ code: 'NOT_CANCELLABLE' });
  const cases: [Buyer, string, string][] = [
    [stranger, payment.id, 'NOT_FOUND'],
    [operator, '00000000-0000-7000-8000-000000000000', 'NOT_FOUND'],
    [buyer, 'no id', 'BAD_USER_INPUT'],
  ];
  for (const [caller, paymentId, code] of cases) {
    expect(await caller.fail(CANCEL_PAYMENT, { input: { paymentId, idempotencyKey: 'k' } })).toBe(code);
  }
  expect(await buyer.fail(CANCEL_PAYMENT, { input: { paymentId: payment.id, idempotencyKey: '' } })).toBe(
    'BAD_USER_INPUT',
  );
  expect(await balanceOf(buyer)).toBe(3_000);
  const { payment: another } = await bought(buyer);
  expect(await cancelPayment(buyer, payment.id, 'k')).toMatchObject({ status: 'CANCELLED' });
  expect(await cancelPayment(buyer, another.id, 'k')).toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' });
  expect(await cancelPayment(buyer, stranger.id, 'k')).toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' });
  expect(await balanceOf(buyer)).toBe(3_000);
});
