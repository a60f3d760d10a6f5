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
import { ShopModel } from '../support/shop-model.ts';
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

it.each([1, 2, 3, 4, 5, 6])(
  'whatever is bought, cancelled, refunded, restocked and left to lapse, over two processes: every answer and every row is that of a simple model (seed %i)',
  async (seed) => {
    const below = randomFrom(seed);
    const model = new ShopModel(PRICES, [...STOCKS], [BALANCE, BALANCE], COUPON);
    const products: string[] = [];
    for (const [index, price] of PRICES.entries()) {
      products.push(await makeProduct(operator, { price, stock: STOCKS[index] }));
    }
    const buyers = await world.buyers(2, BALANCE);
    const coupon = await makeCoupon(operator, { value: COUPON });
    const coupons: string[] = [];
    for (const buyer of buyers) coupons.push((await claim(buyer, coupon)).id);
    const ids: string[] = [];
    const payments = new Map<number, string>();
    const somewhere = (buyer: Buyer): Buyer => buyer.at(world.urls[below(2)] as string);

    const place = async (): Promise<[string, string]> => {
      const user = below(2);
      const chosen = [0, 1, 2].filter(() => below(2) === 0);
      const lines = (chosen.length > 0 ? chosen : [below(3)]).map((product) => [product, 1 + below(3)] as const);
      const hasCoupon = below(3) === 0;
      const basket = Object.fromEntries(lines.map(([product, quantity]) => [products[product], quantity]));
      const input = hasCoupon ? { issuedCouponId: coupons[user] as string } : {};
      const answer = await placeOrder(somewhere(buyers[user] as Buyer), basket, input);
      if (answer.id) ids.push(answer.id);
      return [answer.code ?? `${answer.status} ${answer.total}`, model.place(user, lines, hasCoupon)];
    };

    const change = async (index: number, what: number): Promise<[string, string]> => {
      const order = model.orders[index];
      if (!order) return place();
      const [id, buyer] = [ids[index] as string, somewhere(buyers[order.user] as Buyer)];
      if (what === 0) return [answerOf(await cancelOrder(buyer, id)), model.cancel(order)];
      if (what === 1) {
        if (order.status === 'PLACED') await makeOverdue(world.pool, id);
        model.lapse(order);
        return [(await readOrder(buyer, id)).status, order.status];
      }
      const payment = payments.get(index);
      if (what === 2 && payment) return [answerOf(await cancelPayment(buyer, payment)), model.refund(order)];
      const paid = await payOrder(buyer, id);
      if (paid.status === 'COMPLETED') payments.set(index, paid.id);
      return [answerOf(paid), model.pay(order)];
    };

    for (let step = 0; step < STEPS; step++) {
      const what = below(8);
      if (what === 7) {
        const [product, quantity] = [below(2), below(7) - 3 || 1];
        const answer = await restock(somewhere(operator), products[product] as string, quantity);
        expect(answer.code ?? `STOCK ${answer.stock}`).toBe(model.restock(product, quantity));
        continue;
      }
      const [told, expected] = await (what < 3 ? place() : change(below(model.orders.length || 1), what - 3));
      expect(told, `step ${step}`).toBe(expected);
    }

    for (const [index, order] of model.orders.entries()) {
      expect((await readOrder(buyers[order.user] as Buyer, ids[index] as string)).status).toBe(order.status);
    }
    await placeOrder(operator, { [products[2] as string]: 1 });
    for (const [index, id] of products.entries()) expect(await stockOf(operator, id)).toBe(model.stocks[index]);
    for (const [index, buyer] of buyers.entries()) {
      expect((await buyer.get('{ wallet { balance } }')).wallet.balance).toBe(model.balances[index]);
    }
    expect(await violationsOf(operator)).toEqual({});
  },
);

function answerOf({ code, status }: Data): string {
  return code ?? status;
}
