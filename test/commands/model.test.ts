import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cancelCharge, cancelPayment, charge, makeShow, pay, reserve, violationsOf } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { randomFrom } from '../support/random.ts';
import { cancelOrder, claim, makeCoupon, makeProduct, payOrder, placeOrder } from '../support/shop.ts';
import { World } from '../support/world.ts';

const BUYERS = 24;
const PRICE = 1_000;
/** Of which no seat, piece or coupon is wanted by more than one: what comes out depends on no order. */
const COUPONS = BUYERS;

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
});
afterAll(() => world.close());

/** What the rows must say of one buyer in the end. */
interface Expected {
  balance: number;
  entries: number;
  sold: number;
  held: number;
  paidOrders: number;
}

type Step = () => Promise<unknown>;

/** Runs steps so many at a time, each chunk when the one before has been answered. */
async function inChunks(steps: readonly Step[], size: number): Promise<void> {
  for (let from = 0; from < steps.length; from += size) {
    await Promise.all(steps.slice(from, from + size).map((step) => step()));
  }
}

/**
 * The same random commands every time: charges, some cancelled; seats held, some paid for, some refunded, some too dear;
 * orders, some paid for, some cancelled; a coupon for everybody.
 */
async function runAll(
  size: number,
  urls: readonly string[],
): Promise<{ found: Expected[]; expected: Expected[]; stock: number[] }> {
  const choose = randomFrom(20_261_125);
  const show = await makeShow(operator, { seatCount: BUYERS * 2, price: PRICE });
  const products = await Promise.all([1, 2, 3].map(() => makeProduct(operator, { stock: 1_000, price: PRICE })));
  const coupon = await makeCoupon(operator, { quantity: COUPONS });
  const buyers = (await world.buyers(BUYERS)).map((buyer, index) => buyer.at(urls[index % urls.length] as string));
  const expected = buyers.map(() => ({ balance: 0, entries: 0, sold: 0, held: 0, paidOrders: 0 }));
  const stock = products.map(() => 1_000);
  const phases: Step[][] = [[], [], [], []];
  for (const [index, buyer] of buyers.entries()) {
    const own = expected[index] as Expected;
    const answers: Record<string, Data> = {};
    const add = (phase: number, step: Step): void => void phases[phase]?.push(step);
    // Three charges that stay, and one in two a fourth that is taken back.
    for (const amount of [2_000, 3_000, 5_000]) {
      add(0, () => charge(buyer, amount));
      own.balance += amount;
      own.entries++;
    }
    if (choose(2) === 0) {
      add(0, async () => Object.assign(answers, { extra: await charge(buyer, 700) }));
      add(2, () => cancelCharge(buyer, answers.extra?.id));
      own.entries += 2;
    }
    add(0, () => claim(buyer, coupon));
    const seats = show.seats.slice(index * 2, index * 2 + 2);
    const fate = choose(3);
    add(0, async () => Object.assign(answers, { held: await reserve(buyer, show.id, seats) }));
    if (fate === 0) own.held += 2;
    else {
      add(1, async () => Object.assign(answers, { paid: await pay(buyer, answers.held?.id) }));
      own.entries++;
      if (fate === 1) {
        own.sold += 2;
        own.balance -= 2 * PRICE;
      } else {
        add(3, () => cancelPayment(buyer, answers.paid?.id));
        own.entries++;
      }
    }
    const product = choose(3);
    const quantity = 1 + choose(3);
    add(0, async () =>
      Object.assign(answers, { order: await placeOrder(buyer, { [products[product] as string]: quantity }) }),
    );
    if (choose(2) === 0) {
      add(2, () => payOrder(buyer, answers.order?.id));
      own.balance -= quantity * PRICE;
      own.entries++;
      own.paidOrders++;
      stock[product] = (stock[product] as number) - quantity;
    } else add(2, () => cancelOrder(buyer, answers.order?.id));
  }
  for (const steps of phases) await inChunks(steps, size);
  const { rows } = await world.pool.query<Expected & { id: string }>(
    `select w.user_id as id, w.balance::int, (select count(*)::int from entry where wallet_id = w.user_id) as entries,
       (select count(*)::int from ticket where user_id = w.user_id) as sold,
       (select count(*)::int from hold where user_id = w.user_id) as held,
       (select count(*)::int from shop_order where user_id = w.user_id and status = 'PAID') as "paidOrders"
     from wallet w where w.user_id = any($1)`,
    [buyers.map(({ id }) => id)],
  );
  const byId = new Map(rows.map(({ id, ...row }) => [id, row]));
  const left = await world.pool.query<{ id: string; stock: number }>(
    'select id, stock from product where id = any($1)',
    [products],
  );
  expect(products.map((id) => left.rows.find((row) => row.id === id)?.stock)).toEqual(stock);
  const serials = await world.pool.query('select serial from issued_coupon where coupon_id = $1 order by serial', [
    coupon,
  ]);
  expect(serials.rows.map(({ serial }) => serial)).toEqual(Array.from({ length: COUPONS }, (_, index) => index + 1));
  return { found: buyers.map(({ id }) => byId.get(id) as Expected), expected, stock };
}

describe.each([1, 2])('the same random commands over %s processes', (processes) => {
  it.each([1, 64])('in batches of at most %s end in the rows that the model says', async (size) => {
    const { found, expected } = await runAll(size, world.urls.slice(0, processes));
    expect(found).toEqual(expected);
  });
});

it('after all of them the audit finds nothing', async () => {
  expect(await violationsOf(operator)).toEqual({});
});
