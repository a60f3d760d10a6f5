import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { balanceOf, cancelPayment, charge, makeShow, pay, reserve, violationsOf } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { chainOf } from '../support/ledger.ts';
import {
  cancelOrder,
  claim,
  makeCoupon,
  makeOverdue,
  makeProduct,
  payOrder,
  placeOrder,
  readOrder,
  stockOf,
} from '../support/shop.ts';
import { World } from '../support/world.ts';

/** Milliseconds between two audits of what goes on. */
const AUDIT_EVERY_MS = 100;

let world: World;
let operator: Buyer;
const at = (buyer: Buyer, index: number): Buyer => buyer.at(world.urls[index % 2] as string);
const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

/** As many reservations of one seat each, at the given prices. */
async function reservations(buyer: Buyer, prices: number[]): Promise<string[]> {
  const sections = prices.map((price, index) => ({ name: `${index}`, seatCount: 1, price }));
  const show = await makeShow(operator, { sections });
  return Promise.all(show.seats.map(async (seat) => (await reserve(buyer, show.id, [seat])).id));
}

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
  ['optimistic', 300, 100],
  ['pessimistic', 100, 40],
  ['redis-lock', 100, 40],
] as const)('under WALLET_GUARD=%s, over two processes', (guard, crowd, few) => {
  beforeAll(async () => {
    world = await World.open({ env: { WALLET_GUARD: guard, SEATS_PER_USER: '300' } });
    operator = await world.operator();
  });
  afterAll(() => world.close());

  describe('a wallet', () => {
    it.each([
      ['both processes', 2],
      ['one of them', 1],
    ])(
      'a wallet of 1,000 charged 300 times at once with 500 at %s has 151,000, and 301 entries that form one chain',
      async (_where, processes) => {
        const buyer = await world.buyer(1_000);
        const answers = await Promise.all(times(300, (index) => charge(at(buyer, index % processes), 500)));
        expect(answers.filter(({ __typename }) => __typename !== 'LedgerEntry')).toEqual([]);
        expect(await balanceOf(buyer)).toBe(151_000);
        const chain = await chainOf(world.pool, buyer.id);
        expect(chain).toMatchObject({ entries: 301, unbroken: true, sum: 151_000 });
      },
    );

    it(`${crowd} payments of 1,000 at once, for which the balance is enough, are all made and leave 200,000`, async () => {
      const buyer = await world.buyer(200_000 + crowd * 1_000);
      const held = await holdEach(buyer, await makeShow(operator, { seatCount: crowd }));
      const answers = await Promise.all(held.map(({ id }, index) => pay(at(buyer, index), id)));
      expect(answers.filter(({ status }) => status !== 'COMPLETED')).toEqual([]);
      expect(await balanceOf(buyer)).toBe(200_000);
      expect(await chainOf(world.pool, buyer.id)).toMatchObject({ entries: crowd + 1, unbroken: true });
    });

    it('two payments of 1,000 at once from 5,000 are both made and leave 3,000', async () => {
      const buyer = await world.buyer(5_000);
      const ids = await reservations(buyer, [1_000, 1_000]);
      const answers = await Promise.all(ids.map((id, index) => pay(at(buyer, index), id)));
      expect(answers.map(({ status }) => status)).toEqual(['COMPLETED', 'COMPLETED']);
      expect(await balanceOf(buyer)).toBe(3_000);
    });

    it('of 4,000, 2,000 and 3,500 at once from 5,000 exactly one is paid, and two are recorded as FAILED', async () => {
      const buyer = await world.buyer(5_000);
      const prices = [4_000, 2_000, 3_500];
      const ids = await reservations(buyer, prices);
      const answers = await Promise.all(ids.map((id, index) => pay(at(buyer, index), id)));
      const paid = answers.findIndex(({ status }) => status === 'COMPLETED');
      const refused = answers.filter((_, index) => index !== paid);
      for (const answer of refused) {
        expect(answer).toMatchObject({
          __typename: 'InsufficientBalance',
          code: 'INSUFFICIENT_BALANCE',
          balance: 5_000 - (prices[paid] as number),
        });
      }
      expect(await balanceOf(buyer)).toBe(5_000 - (prices[paid] as number));
      const { payments } = await buyer.get('{ payments { edges { node { status failure } } } }');
      const statuses = payments.edges.map(({ node }: Data) => node.failure ?? node.status).sort();
      expect(statuses).toEqual(['COMPLETED', 'INSUFFICIENT_BALANCE', 'INSUFFICIENT_BALANCE']);
    });

    it('one key sent 50 times at once charges once, and every answer is the same entry', async () => {
      const buyer = await world.buyer();
      const answers = await Promise.all(times(50, (index) => charge(at(buyer, index), 700, 'one key')));
      expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
      expect(await balanceOf(buyer)).toBe(700);
    });

    it('a wallet whose row is locked for too long answers SERVICE_UNAVAILABLE, unchanged, and the same key works afterwards', async () => {
      const buyer = await world.buyer(1_000);
      const rival = await world.pool.connect();
      await rival.query('begin');
      await rival.query('select from wallet where user_id = $1 for update', [buyer.id]);
      const charges = times(5, (index) =>
        buyer.fail(`mutation { charge(input: { amount: 5, idempotencyKey: "${index}" }) { __typename } }`),
      );
      expect(await Promise.all(charges)).toEqual(times(5, () => 'SERVICE_UNAVAILABLE'));
      await rival.query('rollback');
      rival.release();
      expect(await balanceOf(buyer)).toBe(1_000);
      const answers = await Promise.all(times(5, (index) => charge(buyer, 5, `${index}`)));
      expect(answers.map(({ __typename }) => __typename)).toEqual(times(5, () => 'LedgerEntry'));
      expect(await chainOf(world.pool, buyer.id)).toMatchObject({ entries: 6, unbroken: true, sum: 1_025 });
    });
  });

  describe('payments and cancellations', () => {
    it(`of ${few} payments at once over a balance for 30 exactly 30 are made`, async () => {
      const show = await makeShow(operator, { seatCount: few });
      const buyer = await world.buyer(30_500);
      const held = await holdEach(buyer, show);
      const answers = await Promise.all(held.map(({ id }, index) => pay(at(buyer, index), id)));
      expect(answers.filter(({ status }) => status === 'COMPLETED')).toHaveLength(30);
      expect(answers.filter(({ code }) => code === 'INSUFFICIENT_BALANCE')).toHaveLength(few - 30);
      expect(await chainOf(world.pool, buyer.id)).toEqual({ entries: 31, unbroken: true, sum: 500 });
      expect(await rowsOf(show)).toEqual({ tickets: 30, holds: few - 30 });
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
      const paid: Data[] = await Promise.all((await holdEach(buyer, show)).map(({ id }) => pay(buyer, id)));
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
      const paid: Data[] = await Promise.all((await holdEach(buyer, show)).map(({ id }) => pay(buyer, id)));
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

  describe('orders', () => {
    it('an order is paid once however often it is asked, and the others hear AlreadyPaid with that payment', async () => {
      const product = await makeProduct(operator, { stock: 10 });
      const buyer = await world.buyer(10_000);
      const { id } = await placeOrder(buyer, { [product]: 2 });
      const answers: Data[] = await Promise.all(
        Array.from({ length: 20 }, (_, index) => payOrder(at(buyer, index), id)),
      );
      const [paid] = answers.filter(({ __typename }) => __typename === 'Payment');
      expect(paid).toMatchObject({ status: 'COMPLETED', amount: 2_000, payable: { id, orderStatus: 'PAID' } });
      const others = answers.filter(({ __typename }) => __typename === 'AlreadyPaid');
      expect(others.map(({ payment }) => payment.id)).toEqual(Array.from({ length: 19 }, () => paid.id));
      expect(await balanceOf(buyer)).toBe(8_000);
      expect(await readOrder(buyer, id)).toMatchObject({
        status: 'PAID',
        payment: { id: paid.id, status: 'COMPLETED' },
      });
      expect(await cancelOrder(buyer, id)).toMatchObject({ __typename: 'Refusal', code: 'NOT_CANCELLABLE' });
      expect(await stockOf(buyer, product)).toBe(8);
    });

    it('one key sent 50 times at once pays once, and every answer is the same payment', async () => {
      const product = await makeProduct(operator);
      const buyer = await world.buyer(10_000);
      const { id } = await placeOrder(buyer, { [product]: 1 });
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, index) => payOrder(at(buyer, index), id, 'one')),
      );
      expect(new Set(answers.map((answer) => `${answer.__typename} ${answer.id}`)).size).toBe(1);
      expect(await balanceOf(buyer)).toBe(9_000);
    });

    it('50 cancellations of one payment at once refund once: money, stock and coupon are back, the status says so', async () => {
      const product = await makeProduct(operator, { stock: 10 });
      const coupon = await makeCoupon(operator, { value: 300 });
      const buyer = await world.buyer(10_000);
      const issued = await claim(buyer, coupon);
      const { id } = await placeOrder(buyer, { [product]: 3 }, { issuedCouponId: issued.id });
      const payment = await payOrder(buyer, id);
      expect(await balanceOf(buyer)).toBe(7_300);
      const answers: Data[] = await Promise.all(
        Array.from({ length: 50 }, (_, index) => cancelPayment(at(buyer, index), payment.id)),
      );
      const done = answers.filter(({ status }) => status === 'CANCELLED');
      expect(done).toHaveLength(1);
      expect(done[0]).toMatchObject({ payable: { id, orderStatus: 'PAYMENT_CANCELLED' } });
      expect(answers.filter(({ code }) => code === 'NOT_CANCELLABLE')).toHaveLength(49);
      expect(await balanceOf(buyer)).toBe(10_000);
      expect(await chainOf(world.pool, buyer.id)).toMatchObject({ entries: 3, unbroken: true });
      expect(await stockOf(buyer, product)).toBe(10);
      expect(await readOrder(buyer, id)).toMatchObject({
        status: 'PAYMENT_CANCELLED',
        coupon: { id: issued.id, status: 'ISSUED', usedAt: null },
        payment: { id: payment.id, status: 'CANCELLED' },
      });
    });

    it('a payment that races a cancellation, and one that races the end of its time, leave either both or neither', async () => {
      const product = await makeProduct(operator, { stock: 200 });
      const buyers = await world.buyers(20, 10_000);
      await Promise.all(
        buyers.map(async (buyer, index) => {
          const { id } = await placeOrder(buyer, { [product]: 1 });
          const against = index % 2 === 0 ? cancelOrder(at(buyer, 1), id) : makeOverdue(world.pool, id);
          const [paid] = await Promise.all([payOrder(at(buyer, 0), id), against]);
          const { status } = await readOrder(buyer, id);
          expect(status).toBe(paid.__typename === 'Payment' ? 'PAID' : 'CANCELLED');
          expect(await balanceOf(buyer)).toBe(paid.__typename === 'Payment' ? 9_000 : 10_000);
        }),
      );
      expect(await violationsOf(operator)).toEqual({});
    });
  });
});
