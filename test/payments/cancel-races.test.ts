import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { balanceOf, cancelPayment, charge, makeShow, pay, reserve, violationsOf } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { chainOf } from '../support/ledger.ts';
import { World } from '../support/world.ts';

/** Milliseconds between two audits of what goes on. */
const AUDIT_EVERY_MS = 100;

let world: World;
let operator: Buyer;
const at = (buyer: Buyer, index: number): Buyer => buyer.at(world.urls[index % 2] as string);

/** A reservation of one seat each. */
function holdEach(buyer: Buyer, show: { id: string; seats: string[] }): Promise<Data[]> {
  return Promise.all(show.seats.map((seat) => reserve(buyer, show.id, [seat])));
}

/** Seats, tickets and holds of a show, as the rows have them. */
async function rowsOf(show: { id: string }): Promise<{ tickets: number; holds: number }> {
  const { rows } = await world.pool.query(
    `select (select count(*)::int from ticket where show_id = $1) as tickets,
       (select count(*)::int from hold where show_id = $1) as holds`,
    [show.id],
  );
  return rows[0];
}

describe.each([
  ['optimistic', 100],
  ['pessimistic', 40],
  ['redis-lock', 40],
] as const)('under the guard %s, over two processes', (guard, crowd) => {
  beforeAll(async () => {
    world = await World.open({ env: { WALLET_GUARD: guard, SEATS_PER_USER: '200' } });
    operator = await world.operator();
  });
  afterAll(() => world.close());

  it(`of ${crowd} payments at once over a balance for 30 exactly 30 are made`, async () => {
    const show = await makeShow(operator, { seatCount: crowd });
    const buyer = await world.buyer(30_500);
    const held = await holdEach(buyer, show);
    const answers = await Promise.all(held.map(({ id }, index) => pay(at(buyer, index), id)));
    expect(answers.filter(({ status }) => status === 'COMPLETED')).toHaveLength(30);
    expect(answers.filter(({ code }) => code === 'INSUFFICIENT_BALANCE')).toHaveLength(crowd - 30);
    expect(await chainOf(world.pool, buyer.id)).toEqual({ entries: 31, unbroken: true, sum: 500 });
    expect(await rowsOf(show)).toEqual({ tickets: 30, holds: crowd - 30 });
    expect(await violationsOf(operator)).toEqual({});
  });

  it('payments and their cancellations crossing each other, from owner and operator, move no money but their own', async () => {
    const show = await makeShow(operator, { seatCount: 30 });
    const buyer = await world.buyer(15_000);
    const held = await holdEach(buyer, show);
    const turns = held.map(async ({ id }, index) => {
      const paid = await pay(at(buyer, index), id);
      if (paid.status !== 'COMPLETED') return paid.code;
      const both = await Promise.all([
        cancelPayment(at(buyer, index), paid.id),
        cancelPayment(at(operator, index + 1), paid.id),
        pay(at(buyer, index + 1), id),
      ]);
      return both.map(({ status, code }) => status ?? code).join();
    });
    let done = false;
    const audits = (async () => {
      for (; !done; await sleep(AUDIT_EVERY_MS))
        expect(await violationsOf(operator), 'in the middle of it').toEqual({});
    })();
    const ends = await Promise.all(turns);
    done = true;
    await audits;
    const allowed =
      /^(INSUFFICIENT_BALANCE|(CANCELLED,NOT_CANCELLABLE|NOT_CANCELLABLE,CANCELLED),(ALREADY_PAID|NOT_PAYABLE))$/;
    expect(ends.filter((end) => !allowed.test(end))).toEqual([]);
    expect(await balanceOf(buyer)).toBe(15_000);
    expect((await rowsOf(show)).tickets).toBe(0);
    expect(await violationsOf(operator)).toEqual({});
  });

  it('refunds racing charges add up to the won', async () => {
    const show = await makeShow(operator, { seatCount: 20 });
    const buyer = await world.buyer(20_000);
    const paid: Data[] = [];
    for (const { id } of await holdEach(buyer, show)) paid.push(await pay(buyer, id));
    await Promise.all(
      paid.flatMap(({ id }, index) => [cancelPayment(at(buyer, index), id), charge(at(buyer, index + 1), 7)]),
    );
    expect(await balanceOf(buyer)).toBe(20_140);
    expect(await chainOf(world.pool, buyer.id)).toEqual({ entries: 61, unbroken: true, sum: 20_140 });
  });

  it('seats that come back on sale while others reach for them are sold once more and no more', async () => {
    const show = await makeShow(operator, { seatCount: 5 });
    const [owner, ...rivals] = (await world.buyers(11, 10_000)) as [Buyer, ...Buyer[]];
    const { id } = await reserve(owner, show.id, show.seats);
    const { id: paymentId } = await pay(owner, id);
    const cancelling = cancelPayment(owner, paymentId);
    const takes = rivals.map(async (rival, index) => {
      for (let attempt = 0; attempt < 50; attempt++) {
        const held = await reserve(rival, show.id, [show.seats[index % 5] as string]);
        if (held.status === 'HELD') return pay(rival, held.id);
      }
      return undefined;
    });
    await cancelling;
    const sold = (await Promise.all(takes)).filter((payment) => payment?.status === 'COMPLETED');
    expect(sold).toHaveLength(5);
    expect(await rowsOf(show)).toEqual({ tickets: 5, holds: 0 });
    expect(await balanceOf(owner)).toBe(10_000);
    expect(await violationsOf(operator)).toEqual({});
  });

  it('a show that begins while its payments are cancelled: each is either cancelled and refunded, or stands', async () => {
    const show = await makeShow(operator, { seatCount: 40 });
    const buyer = await world.buyer(40_000);
    const paid: Data[] = [];
    for (const { id } of await holdEach(buyer, show)) paid.push(await pay(buyer, id));
    const cancels = paid.map(({ id }, index) => cancelPayment(at(buyer, index), id));
    await Promise.race(cancels);
    await world.pool.query('update show set starts_at = clock_timestamp() where id = $1', [show.id]);
    const answers = await Promise.all(cancels);
    const refunded = answers.filter(({ status }) => status === 'CANCELLED').length;
    expect(answers.filter(({ code }) => code === 'NOT_CANCELLABLE')).toHaveLength(40 - refunded);
    expect(await balanceOf(buyer)).toBe(refunded * 1_000);
    expect((await rowsOf(show)).tickets).toBe(40 - refunded);
    expect(await violationsOf(operator)).toEqual({});
  });
});
