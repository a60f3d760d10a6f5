import { afterAll, beforeAll, expect, it } from 'vitest';
import { cancelPayment, violationsOf } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { randomFrom } from '../support/random.ts';
import {
  cancelOrder,
  claim,
  makeCoupon,
  makeOverdue,
  makeProduct,
  payOrder,
  placeOrder,
  readOrder,
  restock,
  stockOf,
} from '../support/shop.ts';
import { type ModelOrder, ShopModel } from '../support/shop-model.ts';
import { World } from '../support/world.ts';

const PRICES = [100, 700, 450];
const STOCKS = [6, 3, null];
const BALANCE = 6_000;
const COUPON = 250;
const STEPS = 80;

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
});
afterAll(() => world.close());

/** What the product answered, and what the model says that it must. */
type Answers = readonly [told: string, expected: string];

/** One run: the product and the model, moved together by the same random numbers. */
class Run {
  readonly model = new ShopModel(PRICES, [...STOCKS], [BALANCE, BALANCE], COUPON);
  readonly #below: (below: number) => number;
  readonly #products: string[] = [];
  readonly #coupons: string[] = [];
  readonly #ids: string[] = [];
  readonly #payments = new Map<ModelOrder, string>();
  #buyers: Buyer[] = [];

  constructor(seed: number) {
    this.#below = randomFrom(seed);
  }

  async prepare(): Promise<void> {
    for (const [index, price] of PRICES.entries()) {
      this.#products.push(await makeProduct(operator, { price, stock: STOCKS[index] }));
    }
    this.#buyers = await world.buyers(2, BALANCE);
    const coupon = await makeCoupon(operator, { value: COUPON });
    for (const buyer of this.#buyers) this.#coupons.push((await claim(buyer, coupon)).id);
  }

  step(): Promise<Answers> {
    const what = this.#below(8);
    if (what === 7) return this.#restock();
    const order = this.model.orders[this.#below(this.model.orders.length || 1)];
    return what < 3 || !order ? this.#place() : this.#change(order, what - 3);
  }

  async expectSame(): Promise<void> {
    for (const [index, order] of this.model.orders.entries()) {
      expect((await readOrder(this.#buyerOf(order), this.#ids[index] as string)).status).toBe(order.status);
    }
    // Whoever orders has what is overdue put back.
    await placeOrder(operator, { [this.#products[2] as string]: 1 });
    for (const [index, id] of this.#products.entries()) {
      expect(await stockOf(operator, id)).toBe(this.model.stocks[index]);
    }
    for (const [index, buyer] of this.#buyers.entries()) {
      expect((await buyer.get('{ wallet { balance } }')).wallet.balance).toBe(this.model.balances[index]);
    }
  }

  async #place(): Promise<Answers> {
    const user = this.#below(2);
    const chosen = [0, 1, 2].filter(() => this.#below(2) === 0);
    const asked = chosen.length > 0 ? chosen : [this.#below(3)];
    const lines = asked.map((product) => [product, 1 + this.#below(3)] as const);
    const hasCoupon = this.#below(3) === 0;
    const basket = Object.fromEntries(lines.map(([product, quantity]) => [this.#products[product], quantity]));
    const input = hasCoupon ? { issuedCouponId: this.#coupons[user] as string } : {};
    const answer = await placeOrder(this.#somewhere(this.#buyers[user] as Buyer), basket, input);
    if (answer.id) this.#ids.push(answer.id);
    return [answer.code ?? `${answer.status} ${answer.total}`, this.model.place(user, lines, hasCoupon)];
  }

  async #change(order: ModelOrder, what: number): Promise<Answers> {
    const id = this.#ids[this.model.orders.indexOf(order)] as string;
    const buyer = this.#somewhere(this.#buyerOf(order));
    if (what === 0) return [answerOf(await cancelOrder(buyer, id)), this.model.cancel(order)];
    if (what === 1) {
      if (order.status === 'PLACED') await makeOverdue(world.pool, id);
      this.model.lapse(order);
      return [(await readOrder(buyer, id)).status, order.status];
    }
    const payment = this.#payments.get(order);
    if (what === 2 && payment) return [answerOf(await cancelPayment(buyer, payment)), this.model.refund(order)];
    const paid = await payOrder(buyer, id);
    if (paid.status === 'COMPLETED') this.#payments.set(order, paid.id);
    return [answerOf(paid), this.model.pay(order)];
  }

  async #restock(): Promise<Answers> {
    const [product, quantity] = [this.#below(2), this.#below(7) - 3 || 1];
    const answer = await restock(this.#somewhere(operator), this.#products[product] as string, quantity);
    return [answer.code ?? `STOCK ${answer.stock}`, this.model.restock(product, quantity)];
  }

  #buyerOf({ user }: ModelOrder): Buyer {
    return this.#buyers[user] as Buyer;
  }

  #somewhere(buyer: Buyer): Buyer {
    return buyer.at(world.urls[this.#below(2)] as string);
  }
}

it.each([1, 2, 3, 4, 5, 6])(
  'whatever is bought, cancelled, refunded, restocked and left to lapse, over two processes: every answer and every row is that of a simple model (seed %i)',
  async (seed) => {
    const run = new Run(seed);
    await run.prepare();
    for (let step = 0; step < STEPS; step++) {
      const [told, expected] = await run.step();
      expect(told, `step ${step}`).toBe(expected);
    }
    await run.expectSame();
    expect(await violationsOf(operator)).toEqual({});
  },
);

function answerOf({ code, status }: Data): string {
  return code ?? status;
}
