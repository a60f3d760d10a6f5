import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  admit,
  balanceOf,
  enter,
  eventually,
  makeQueue,
  makeShow,
  PAYMENT,
  pay,
  readToken,
  reserve,
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

const PAY = `mutation ($input: PayInput!) { pay(input: $input) { ${PAYMENT} } }`;
const at = (buyer: Buyer, index: number, processes: number): Buyer => buyer.at(world.urls[index % processes] as string);

async function statusOf(buyer: Buyer, id: string): Promise<string> {
  return (await buyer.get('query ($id: ID!) { reservation(id: $id) { status } }', { id })).reservation.status;
}

describe.each([1, 2])('with %i processes', (processes) => {
  it('one reservation paid 20 times at once with one key is charged once, and every answer is the same payment', async () => {
    const show = await makeShow(operator);
    const buyer = await world.buyer(10_000);
    const { id } = await reserve(buyer, show.id, show.seats.slice(0, 2));
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => pay(at(buyer, index, processes), id, 'one')),
    );
    expect(new Set(answers.map((answer) => `${answer.__typename} ${answer.id} ${answer.status}`)).size).toBe(1);
    expect(await balanceOf(buyer)).toBe(8_000);
    expect(await chainOf(world.pool, buyer.id)).toMatchObject({ entries: 2, unbroken: true });
  });

  it('one reservation paid 20 times at once with different keys is charged once; the others hear AlreadyPaid with that payment', async () => {
    const show = await makeShow(operator);
    const buyer = await world.buyer(10_000);
    const { id } = await reserve(buyer, show.id, show.seats.slice(0, 2));
    const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => pay(at(buyer, index, processes), id)));
    const paid = answers.filter(({ __typename }) => __typename === 'Payment');
    expect(paid).toHaveLength(1);
    const others = answers.filter(({ __typename }) => __typename === 'AlreadyPaid');
    expect(others.map(({ payment }) => payment.id)).toEqual(Array.from({ length: 19 }, () => paid[0].id));
    expect(await balanceOf(buyer)).toBe(8_000);
    const { rowCount } = await world.pool.query('select from ticket where reservation_id = $1', [id]);
    expect(rowCount).toBe(2);
  });

  it('of two reservations under one token the first payment ends the token and releases the other', async () => {
    const queueId = await makeQueue(operator, { capacity: 5 });
    const show = await makeShow(operator, {}, queueId);
    const buyer = await admit(at(await world.buyer(10_000), 0, processes), queueId);
    const elsewhere = at(buyer, 1, processes);
    const ids = [
      (await reserve(buyer, show.id, [show.seats[0] as string])).id,
      (await reserve(elsewhere, show.id, [show.seats[1] as string])).id,
    ];
    const answers = await Promise.all([
      buyer.ask(PAY, { input: { reservationId: ids[0], idempotencyKey: 'a' } }),
      elsewhere.ask(PAY, { input: { reservationId: ids[1], idempotencyKey: 'b' } }),
    ]);
    const paid = answers.findIndex(({ data }) => data?.pay.__typename === 'Payment');
    const other = answers[1 - paid];
    expect(other?.data?.pay.code ?? other?.errors?.[0]?.extensions.code).toMatch(
      /^(NOT_PAYABLE|QUEUE_TOKEN_REQUIRED)$/,
    );
    expect(await statusOf(buyer, ids[paid] as string)).toBe('CONFIRMED');
    expect(await statusOf(buyer, ids[1 - paid] as string)).toBe('RELEASED');
    expect(await readToken(buyer, buyer.queueToken as string)).toMatchObject({
      status: 'COMPLETED',
      endReason: 'PAID',
    });
    expect(await balanceOf(buyer)).toBe(9_000);
    expect(await elsewhere.fail('query ($id: ID!) { seatMap(showId: $id) { id } }', { id: show.id })).toBe(
      'QUEUE_TOKEN_REQUIRED',
    );
    const { value } = await enter(buyer, queueId);
    expect(value).not.toBe(buyer.queueToken);
  });
});

it('a payment needs the ACTIVE token, but a replay is answered although the token is used up', async () => {
  const queueId = await makeQueue(operator, { capacity: 5 });
  const show = await makeShow(operator, {}, queueId);
  const buyer = await admit(await world.buyer(10_000), queueId);
  const { id } = await reserve(buyer, show.id, [show.seats[0] as string]);
  const input = { reservationId: id, idempotencyKey: 'k' };
  expect(await buyer.withToken(undefined).fail(PAY, { input })).toBe('QUEUE_TOKEN_REQUIRED');
  const paid = await pay(buyer, id, 'k');
  expect(paid).toMatchObject({ status: 'COMPLETED' });
  expect(await pay(buyer, id, 'k')).toEqual(paid);
  expect(await pay(buyer.withToken(undefined), id, 'k')).toEqual(paid);
  expect(await pay(buyer, id, 'another key')).toMatchObject({ __typename: 'AlreadyPaid', payment: { id: paid.id } });
});

it('that tokens are completed is noted in PostgreSQL for many payments together, and each token is COMPLETED when pay answers', async () => {
  const count = 30;
  const queueId = await makeQueue(operator, { capacity: count });
  const show = await makeShow(operator, {}, queueId);
  const buyers = await Promise.all((await world.buyers(count, 10_000)).map((buyer) => admit(buyer, queueId)));
  const held = await Promise.all(
    buyers.map(async (buyer, index) => (await reserve(buyer, show.id, [show.seats[index] as string])).id),
  );
  const statuses = await Promise.all(
    buyers.map(async (buyer, index) => {
      await pay(buyer, held[index]);
      return (await readToken(buyer, buyer.queueToken as string)).status;
    }),
  );
  expect(new Set(statuses)).toEqual(new Set(['COMPLETED']));
  const noted = `select count(*)::int as payments, count(distinct xmin::text)::int as transactions from payment
    where token_completed_at is not null and reservation_id = any($1)`;
  await eventually(async () => (await world.pool.query(noted, [held])).rows[0].payments === count);
  expect((await world.pool.query(noted, [held])).rows[0].transactions).toBeLessThan(count / 2);
});

it('the process killed after the commit and before the answer: the retry gets that payment, and the token is completed', async () => {
  const queueId = await makeQueue(operator, { capacity: 5 });
  const show = await makeShow(operator, {}, queueId);
  const doomed = await world.startProcess({}, './die-after-payment.ts');
  const buyer = await admit(await world.buyer(10_000), queueId);
  const { id } = await reserve(buyer, show.id, [show.seats[0] as string]);
  await expect(pay(buyer.at(doomed.url), id, 'k')).rejects.toThrow();
  await eventually(() => doomed.child.signalCode === 'SIGKILL');
  const paid = await pay(buyer, id, 'k');
  expect(paid).toMatchObject({ __typename: 'Payment', status: 'COMPLETED', payable: { id, status: 'CONFIRMED' } });
  expect(await balanceOf(buyer)).toBe(9_000);
  await eventually(async () => (await readToken(buyer, buyer.queueToken as string)).status === 'COMPLETED');
});

it('what was released or has started can no longer be paid, and nothing is charged', async () => {
  const show = await makeShow(operator);
  const buyer = await world.buyer(10_000);
  const released = await reserve(buyer, show.id, [show.seats[0] as string]);
  await buyer.get('mutation ($id: ID!) { releaseReservation(id: $id) { __typename } }', { id: released.id });
  expect(await pay(buyer, released.id)).toMatchObject({ code: 'NOT_PAYABLE' });
  const held = await reserve(buyer, show.id, [show.seats[1] as string]);
  await world.pool.query(`update show set starts_at = clock_timestamp() where id = $1`, [show.id]);
  expect(await pay(buyer, held.id)).toMatchObject({ code: 'NOT_PAYABLE' });
  expect(await balanceOf(buyer)).toBe(10_000);
  expect((await world.pool.query('select from payment where user_id = $1', [buyer.id])).rowCount).toBe(0);
});

it('the end of the sale does not stop the payment of a live hold, and a total of 0 needs no entry', async () => {
  const show = await makeShow(operator, { price: 0 });
  const buyer = await world.buyer();
  const { id } = await reserve(buyer, show.id, [show.seats[0] as string]);
  await world.pool.query(`update show set sales_close_at = clock_timestamp() where id = $1`, [show.id]);
  expect(await pay(buyer, id)).toMatchObject({ status: 'COMPLETED', amount: 0 });
  const { wallet } = await buyer.get('{ wallet { balance entries { edges { cursor } } } }');
  expect(wallet).toEqual({ balance: 0, entries: { edges: [] } });
});

it('refusals replay: a payment refused for want of money is refused again after a charge under the same key only', async () => {
  const show = await makeShow(operator);
  const buyer = await world.buyer();
  const { id } = await reserve(buyer, show.id, [show.seats[0] as string]);
  const refused = await pay(buyer, id, 'k');
  expect(refused).toMatchObject({ __typename: 'InsufficientBalance', balance: 0, required: 1_000 });
  await buyer.get('mutation { charge(input: { amount: 5000, idempotencyKey: "c" }) { __typename } }');
  expect(await pay(buyer, id, 'k')).toEqual(refused);
  expect(await pay(buyer, id, 'k2')).toMatchObject({ status: 'COMPLETED' });
  const { payments } = await buyer.get('{ payments { edges { node { status failure } } } }');
  expect(payments.edges.map(({ node }: Data) => node.status)).toEqual(['COMPLETED', 'FAILED']);
  const other = await reserve(buyer, show.id, [show.seats[1] as string]);
  expect(await pay(buyer, other.id, 'k')).toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' });
});
