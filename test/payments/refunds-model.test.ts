import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  balanceOf,
  cancelPayment,
  makeShow,
  moveSeats,
  pay,
  refundPayment,
  reserve,
  violationsOf,
} from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { randomFrom } from '../support/random.ts';
import { claim, makeCoupon, makeProduct, payOrder, placeOrder, stockOf } from '../support/shop.ts';
import { World } from '../support/world.ts';

const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
});
afterAll(() => world.close());

/** Shares of a discount as the largest remainder gives them: earlier lines first among equal remainders. */
function sharesOf(discount: number, amounts: number[]): number[] {
  const subtotal = amounts.reduce((sum, amount) => sum + amount, 0);
  const exact = amounts.map((amount) => (subtotal === 0 ? 0 : (discount * amount) / subtotal));
  const shares = exact.map(Math.floor);
  const order = [...exact.keys()].sort((a, b) => remainder(exact[b]) - remainder(exact[a]) || a - b);
  let left = discount - shares.reduce((sum, share) => sum + share, 0);
  for (const index of order) if (left-- > 0) shares[index] = (shares[index] as number) + 1;
  return shares;
}

const remainder = (value = 0): number => Math.round((value % 1) * 1e9);

it.each(SEEDS)(
  'orders with percent coupons, given back piece by piece in any order, return what was paid to the won (seed %i)',
  async (seed) => {
    const random = randomFrom(seed);
    const upTo = (most: number): number => 1 + random(most);
    const buyer = await world.buyer(1_000_000);
    const lines = Array.from({ length: upTo(5) }, () => ({ quantity: upTo(9), price: upTo(997) }));
    const products: string[] = [];
    for (const { price } of lines) products.push(await makeProduct(operator, { price }));
    const percent = upTo(100);
    const couponId = await makeCoupon(operator, { discountKind: 'PERCENT', value: percent });
    const { id: issuedCouponId } = await claim(buyer, couponId);
    const basket = Object.fromEntries(products.map((id, index) => [id, lines[index]?.quantity ?? 0]));
    const order = await placeOrder(buyer, basket, { issuedCouponId });
    const amounts = lines.map(({ quantity, price }) => quantity * price);
    const subtotal = amounts.reduce((sum, amount) => sum + amount, 0);
    const discount = Math.floor((subtotal * percent) / 100);
    expect(order).toMatchObject({ subtotal, discount, total: subtotal - discount });
    const shares = sharesOf(discount, amounts);
    const payment = await payOrder(buyer, order.id);

    const state = lines.map(({ quantity }, index) => ({
      ...{ lineNo: index + 1, quantity, left: quantity, returned: 0 },
      paid: (amounts[index] as number) - (shares[index] as number),
    }));
    while (state.some(({ left }) => left > 0)) {
      const some = state.filter(({ left }) => left > 0 && random(10) < 6);
      if (some.length === 0) continue;
      let expected = 0;
      const part = some.map((line) => {
        const quantity = upTo(line.left);
        const isLast = quantity === line.left;
        const amount = isLast ? line.paid - line.returned : Math.floor((line.paid * quantity) / line.quantity);
        line.left -= quantity;
        line.returned += amount;
        expected += amount;
        return { lineNo: line.lineNo, quantity };
      });
      const answer = await refundPayment(buyer, payment.id, { lines: part });
      expect(answer.refunds.at(-1).amount).toBe(expected);
      expect(answer.status).toBe(state.every(({ left }) => left === 0) ? 'CANCELLED' : 'COMPLETED');
    }
    expect(await balanceOf(buyer)).toBe(1_000_000);
    for (const id of products) expect(await stockOf(operator, id)).toBe(100);
    expect(await violationsOf(operator)).toEqual({});
  },
);

it.each(SEEDS)(
  'seats that are moved and given back in any order return what was paid to the won (seed %i)',
  async (seed) => {
    const random = randomFrom(seed);
    const buyer = await world.buyer(100_000);
    const prices = [1_000, 700, 0];
    const sections = prices.map((price, index) => ({ name: `S${index}`, seatCount: 8, price }));
    const show = await makeShow(operator, { sections });
    const priceAt = (seat: string): number => prices[Math.floor(show.seats.indexOf(seat) / 8)] as number;
    const picked = show.seats.filter((_, index) => index % 6 === seed % 6).slice(0, 4);
    const reservation = await reserve(buyer, show.id, picked);
    const payment = await pay(buyer, reservation.id);
    const mine = new Set(picked);
    let refunded = 0;
    for (let step = 0; step < 12 && mine.size > 1; step++) {
      const seats = [...mine];
      const from = seats[random(seats.length)] as string;
      if (random(10) < 7) {
        const to = show.seats[random(show.seats.length)] as string;
        if (to === from) continue;
        const answer: Data = await moveSeats(operator, reservation.id, { [from]: to });
        const may = !mine.has(to) && priceAt(to) === priceAt(from);
        expect(answer.__typename === 'Reservation').toBe(may);
        if (!may) continue;
        mine.delete(from);
        mine.add(to);
      } else {
        refunded += priceAt(from);
        const answer = await refundPayment(buyer, payment.id, { seatIds: [from] });
        expect(answer).toMatchObject({ status: 'COMPLETED', refunded });
        mine.delete(from);
      }
      const { reservation: now } = await buyer.get('query ($id: ID!) { reservation(id: $id) { seats { id } } }', {
        id: reservation.id,
      });
      expect(new Set(now.seats.map(({ id }: Data) => id))).toEqual(mine);
      expect(await balanceOf(buyer)).toBe(100_000 - payment.amount + refunded);
    }
    expect(await violationsOf(operator)).toEqual({});
    expect(await cancelPayment(buyer, payment.id)).toMatchObject({ status: 'CANCELLED' });
    expect(await balanceOf(buyer)).toBe(100_000);
    expect(await violationsOf(operator)).toEqual({});
  },
);
