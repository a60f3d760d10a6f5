import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  balanceOf,
  cancelPayment,
  type MadeShow,
  makeShow,
  pay,
  REFUND_PAYMENT,
  refundPayment,
  reserve,
  violationsOf,
} from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { typesOf } from '../support/events.ts';
import { chainOf } from '../support/ledger.ts';
import { claim, makeCoupon, makeProduct, payOrder, placeOrder, stockOf } from '../support/shop.ts';
import { World } from '../support/world.ts';

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
});
afterAll(() => world.close());

/** A payment for the first seats of a show of its own: two at 1,000 and one at 700. */
async function boughtSeats(buyer: Buyer): Promise<{ show: MadeShow; reservation: Data; payment: Data }> {
  const sections = [
    { name: 'Floor', seatCount: 2, price: 1_000 },
    { name: 'Balcony', seatCount: 4, price: 700 },
  ];
  const show = await makeShow(operator, { sections });
  const reservation = await reserve(buyer, show.id, show.seats.slice(0, 3));
  return { show, reservation, payment: await pay(buyer, reservation.id) };
}

/** A paid order of lines of quantities at prices, with a coupon if `coupon` is given. */
async function boughtPieces(
  buyer: Buyer,
  lines: [quantity: number, price: number][],
  coupon?: Record<string, unknown>,
): Promise<{ order: Data; payment: Data; products: string[]; issuedCouponId: string | undefined }> {
  const products: string[] = [];
  for (const [, price] of lines) products.push(await makeProduct(operator, { price }));
  const issuedCouponId = coupon && (await claim(buyer, await makeCoupon(operator, coupon))).id;
  const basket = Object.fromEntries(products.map((id, index) => [id, lines[index]?.[0] as number]));
  const order = await placeOrder(buyer, basket, issuedCouponId ? { issuedCouponId } : {});
  return { order, products, issuedCouponId, payment: await payOrder(buyer, order.id) };
}

const reservationOf = async (buyer: Buyer, id: string): Promise<Data> =>
  (
    await buyer.get(
      'query ($id: ID!) { reservation(id: $id) { status amount cancelReason seatPrices seats { id } payment { status refunded } } }',
      { id },
    )
  ).reservation;

const orderOf = async (buyer: Buyer, id: string): Promise<Data> =>
  (
    await buyer.get(
      'query ($id: ID!) { order(id: $id) { status total lines { lineNo status discount returned refunded amount } coupon { status } } }',
      { id },
    )
  ).order;

it('seats are given back one after another, each at its price, until the payment is CANCELLED', async () => {
  const buyer = await world.buyer(5_000);
  const { show, reservation, payment } = await boughtSeats(buyer);
  const [first, second, third] = show.seats as [string, string, string];
  expect(await refundPayment(buyer, payment.id, { seatIds: [third], reason: 'too many' })).toMatchObject({
    ...{ __typename: 'Payment', status: 'COMPLETED', amount: 2_700, refunded: 700 },
    refunds: [{ amount: 700, reason: 'too many', seatIds: [third], lines: [] }],
  });
  expect(await reservationOf(buyer, reservation.id)).toEqual({
    ...{ status: 'CONFIRMED', amount: 2_700, cancelReason: null, seatPrices: [1_000, 1_000] },
    seats: [{ id: first }, { id: second }],
    payment: { status: 'COMPLETED', refunded: 700 },
  });
  expect(await balanceOf(buyer)).toBe(3_000);
  expect(await reserve(await world.buyer(), show.id, [third])).toMatchObject({ status: 'HELD', amount: 700 });
  expect(await refundPayment(buyer, payment.id, { seatIds: [third] }), 'no longer the buyer’s').toMatchObject({
    ...{ __typename: 'NotRefundable', code: 'NOT_REFUNDABLE', seatIds: [third], lines: [] },
  });
  expect(await refundPayment(buyer, payment.id, { seatIds: [second, first], reason: 'all' })).toMatchObject({
    ...{ status: 'CANCELLED', refunded: 2_700 },
    refunds: [{ amount: 700 }, { amount: 2_000, seatIds: [second, first] }],
  });
  expect(await reservationOf(buyer, reservation.id)).toMatchObject({ status: 'CANCELLED', cancelReason: 'all' });
  expect(await refundPayment(buyer, payment.id, { seatIds: [first] })).toMatchObject({ code: 'NOT_CANCELLABLE' });
  expect(await chainOf(world.pool, buyer.id)).toEqual({ entries: 4, unbroken: true, sum: 5_000 });
  expect(await typesOf(world.pool, payment.id)).toEqual([
    'payment.completed.v1',
    'payment.refunded.v1',
    'payment.refunded.v1',
    'payment.cancelled.v1',
  ]);
  expect(await violationsOf(operator)).toEqual({});
});

it('cancelPayment gives back the rest of what was given back in part', async () => {
  const buyer = await world.buyer(5_000);
  const { show, payment } = await boughtSeats(buyer);
  await refundPayment(buyer, payment.id, { seatIds: [show.seats[0] as string] });
  expect(await cancelPayment(buyer, payment.id)).toMatchObject({ status: 'CANCELLED', amount: 2_700 });
  expect(await balanceOf(buyer)).toBe(5_000);
  const { rows } = await world.pool.query('select amount::int from refund where payment_id = $1 order by seq', [
    payment.id,
  ]);
  expect(rows.map(({ amount }) => amount)).toEqual([1_000, 1_700]);
  expect((await world.pool.query('select from ticket where show_id = $1', [show.id])).rowCount).toBe(0);
});

it('pieces return their part of what was paid for their line, rounded down, and the last ones the rest', async () => {
  const buyer = await world.buyer(10_000);
  // 333 off 1,000: shares of 300 x 333 / 1,000 = 99.9 and 700 x 333 / 1,000 = 233.1.
  const { order, payment, products, issuedCouponId } = await boughtPieces(
    buyer,
    [
      [3, 100],
      [7, 100],
    ],
    { discountKind: 'FIXED', value: 333 },
  );
  expect(payment.amount).toBe(667);
  expect((await orderOf(buyer, order.id)).lines).toEqual([
    { lineNo: 1, status: 'PAID', discount: 100, returned: 0, refunded: 0, amount: 300 },
    { lineNo: 2, status: 'PAID', discount: 233, returned: 0, refunded: 0, amount: 700 },
  ]);
  const refunds: number[] = [];
  for (const lines of [
    [{ lineNo: 1, quantity: 1 }],
    [{ lineNo: 1, quantity: 1 }],
    [
      { lineNo: 1, quantity: 1 },
      { lineNo: 2, quantity: 3 },
    ],
    [{ lineNo: 2, quantity: 4 }],
  ]) {
    const answer = await refundPayment(buyer, payment.id, { lines });
    refunds.push(answer.refunds.at(-1).amount);
  }
  // 200 for three: 66, 66 and 68. 467 for seven: 200 for three, 267 for the last four.
  expect(refunds).toEqual([66, 66, 68 + 200, 267]);
  const { status, lines, coupon } = await orderOf(buyer, order.id);
  expect(status).toBe('PAYMENT_CANCELLED');
  expect(lines).toMatchObject([
    { status: 'PAYMENT_CANCELLED', returned: 3, refunded: 200 },
    { status: 'PAYMENT_CANCELLED', returned: 7, refunded: 467 },
  ]);
  expect(coupon.status, 'the coupon comes back with the whole order').toBe('ISSUED');
  expect(await Promise.all(products.map((id) => stockOf(operator, id)))).toEqual([100, 100]);
  expect(await balanceOf(buyer)).toBe(10_000);
  expect(issuedCouponId).toBeDefined();
  expect(await violationsOf(operator)).toEqual({});
});

it('a part gives back stock and sales of its pieces, and keeps the coupon used and the discount as it was', async () => {
  const buyer = await world.buyer(10_000);
  const { order, payment, products } = await boughtPieces(
    buyer,
    [
      [4, 500],
      [1, 1_000],
    ],
    {
      ...{ discountKind: 'PERCENT', value: 10, minimumSubtotal: 3_000 },
    },
  );
  expect(payment.amount).toBe(2_700);
  expect(await refundPayment(buyer, payment.id, { lines: [{ lineNo: 2, quantity: 1 }] })).toMatchObject({
    ...{ status: 'COMPLETED', refunded: 900 },
  });
  expect(await orderOf(buyer, order.id)).toMatchObject({
    ...{ status: 'PAID', total: 2_700, coupon: { status: 'USED' } },
    lines: [
      { status: 'PAID', returned: 0 },
      { status: 'PAYMENT_CANCELLED', returned: 1, refunded: 900 },
    ],
  });
  expect(await Promise.all(products.map((id) => stockOf(operator, id)))).toEqual([96, 100]);
  const { rows } = await world.pool.query(
    'select sum(quantity)::int as quantity, sum(revenue)::int as revenue from sale_so_far where product_id = $1',
    [products[1]],
  );
  expect(rows).toEqual([{ quantity: 0, revenue: 0 }]);
  expect(await violationsOf(operator)).toEqual({});
});

it('lines that the order does not have, and more pieces than are left, are refused with what is left; nothing is given back', async () => {
  const buyer = await world.buyer(10_000);
  const { payment } = await boughtPieces(buyer, [
    [2, 500],
    [3, 100],
  ]);
  await refundPayment(buyer, payment.id, { lines: [{ lineNo: 2, quantity: 2 }] });
  const lines = [
    { lineNo: 1, quantity: 1 },
    { lineNo: 2, quantity: 2 },
    { lineNo: 7, quantity: 1 },
  ];
  expect(await refundPayment(buyer, payment.id, { lines })).toMatchObject({
    ...{ code: 'NOT_REFUNDABLE', seatIds: [] },
    lines: [
      { lineNo: 2, requested: 2, left: 1 },
      { lineNo: 7, requested: 1, left: 0 },
    ],
  });
  const seatIds = ['00000000-0000-7000-8000-000000000000'];
  expect(await refundPayment(buyer, payment.id, { seatIds })).toMatchObject({ code: 'NOT_REFUNDABLE', seatIds });
  expect(await balanceOf(buyer)).toBe(10_000 - 1_300 + 200);
  const { show, payment: ofSeats } = await boughtSeats(buyer);
  expect(await refundPayment(buyer, ofSeats.id, { lines: [{ lineNo: 1, quantity: 1 }] })).toMatchObject({
    ...{ code: 'NOT_REFUNDABLE', lines: [{ lineNo: 1, requested: 1, left: 0 }] },
  });
  expect((await world.pool.query('select from ticket where show_id = $1', [show.id])).rowCount).toBe(3);
});

it('its owner may ask until the show starts or CANCEL_HOURS are over, an operator always, nobody else', async () => {
  const [buyer, stranger] = (await world.buyers(2, 9_000)) as [Buyer, Buyer];
  const { show, payment } = await boughtSeats(buyer);
  const [seat] = show.seats as [string];
  await world.pool.query('update show set starts_at = clock_timestamp() where id = $1', [show.id]);
  expect(await refundPayment(buyer, payment.id, { seatIds: [seat] })).toMatchObject({ code: 'NOT_CANCELLABLE' });
  const { payment: paid } = await boughtPieces(buyer, [[2, 500]]);
  await world.pool.query(`update payment set created_at = created_at - interval '24 hours' where id = $1`, [paid.id]);
  const lines = [{ lineNo: 1, quantity: 1 }];
  expect(await refundPayment(buyer, paid.id, { lines })).toMatchObject({ code: 'NOT_CANCELLABLE' });
  expect(await balanceOf(buyer)).toBe(9_000 - 2_700 - 1_000);
  expect(await refundPayment(operator, payment.id, { seatIds: [seat] })).toMatchObject({ refunded: 1_000 });
  expect(await refundPayment(operator, paid.id, { lines })).toMatchObject({ refunded: 500 });
  const input = { paymentId: payment.id, seatIds: [seat], idempotencyKey: 'k' };
  expect(await stranger.fail(REFUND_PAYMENT, { input })).toBe('NOT_FOUND');
  expect(await balanceOf(buyer)).toBe(9_000 - 2_700 - 1_000 + 1_500);
});

it.each<[string, Record<string, unknown>, string]>([
  ['neither seats nor lines', {}, 'input.seatIds'],
  ['both', { seatIds: [], lines: [] }, 'input.seatIds'],
  ['no seat', { seatIds: [] }, 'input.seatIds'],
  ['no line', { lines: [] }, 'input.lines'],
  ['an id that is none', { seatIds: ['no id'] }, 'input.seatIds[0]'],
  ['a line twice', { lines: [1, 1].map((lineNo) => ({ lineNo, quantity: 1 })) }, 'input.lines'],
  ['a quantity of 0', { lines: [{ lineNo: 1, quantity: 0 }] }, 'input.lines[0].quantity'],
  ['a quantity of 101', { lines: [{ lineNo: 1, quantity: 101 }] }, 'input.lines[0].quantity'],
  ['a reason of 501 characters', { seatIds: [], reason: 'x'.repeat(501) }, 'input.reason'],
])('%s is BAD_USER_INPUT that tells the argument', async (_what, part, argument) => {
  const input = { paymentId: '00000000-0000-7000-8000-000000000000', idempotencyKey: 'k', ...part };
  const { errors } = await operator.ask(REFUND_PAYMENT, { input });
  expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', argument });
});

it('the same key gives back once, over both processes at once, and another part under it is a conflict', async () => {
  const buyer = await world.buyer(5_000);
  const { show, payment } = await boughtSeats(buyer);
  const [first, second] = show.seats as [string, string];
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      refundPayment(buyer.at(world.urls[index % 2] as string), payment.id, { seatIds: [first] }, 'one key'),
    ),
  );
  expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
  expect(await refundPayment(buyer, payment.id, { seatIds: [second] }, 'one key')).toMatchObject({
    code: 'IDEMPOTENCY_CONFLICT',
  });
  expect(await balanceOf(buyer)).toBe(5_000 - 1_700);
});

it('pieces of one line asked for at once, over both processes, are never given back twice', async () => {
  const buyer = await world.buyer(10_000);
  const { payment, products } = await boughtPieces(buyer, [[10, 333]], { discountKind: 'FIXED', value: 7 });
  const answers = await Promise.all(
    Array.from({ length: 30 }, (_, index) =>
      refundPayment(buyer.at(world.urls[index % 2] as string), payment.id, { lines: [{ lineNo: 1, quantity: 1 }] }),
    ),
  );
  expect(answers.filter(({ __typename }) => __typename === 'Payment')).toHaveLength(10);
  expect(answers.filter(({ code }) => code === 'NOT_REFUNDABLE' || code === 'NOT_CANCELLABLE')).toHaveLength(20);
  expect(await balanceOf(buyer)).toBe(10_000);
  expect(await stockOf(operator, products[0] as string)).toBe(100);
  expect(await violationsOf(operator)).toEqual({});
});

it('seats of one reservation given back, cancelled and moved at once, over both processes, return what was paid', async () => {
  for (let round = 0; round < 10; round++) {
    const buyer = await world.buyer(5_000);
    const { show, payment } = await boughtSeats(buyer);
    const [first, second] = show.seats as [string, string];
    const [one, other] = world.urls as [string, string];
    await Promise.all([
      refundPayment(buyer.at(one), payment.id, { seatIds: [first] }),
      refundPayment(buyer.at(other), payment.id, { seatIds: [first, second] }),
      cancelPayment(buyer.at(one), payment.id),
      cancelPayment(operator.at(other), payment.id),
    ]);
    expect(await balanceOf(buyer)).toBe(5_000);
    expect((await world.pool.query('select from ticket where show_id = $1', [show.id])).rowCount).toBe(0);
  }
  expect(await violationsOf(operator)).toEqual({});
});

it('an order keeps its memo, of at most 500 characters', async () => {
  const buyer = await world.buyer();
  const product = await makeProduct(operator);
  const query = 'mutation ($input: PlaceOrderInput!) { placeOrder(input: $input) { ... on Order { memo } } }';
  const lines = [{ productId: product, quantity: 1 }];
  const memo = '문 앞에 놓아 주세요';
  expect((await buyer.get(query, { input: { lines, memo, idempotencyKey: 'a' } })).placeOrder).toEqual({ memo });
  expect((await buyer.get(query, { input: { lines, idempotencyKey: 'b' } })).placeOrder).toEqual({ memo: '' });
  expect(await buyer.fail(query, { input: { lines, memo: 'x'.repeat(501), idempotencyKey: 'c' } })).toBe(
    'BAD_USER_INPUT',
  );
});
