import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, type MadeShow, makeShow, pay, reserve } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { makeCoupon, makeProduct, placeOrder } from '../support/shop.ts';
import { World } from '../support/world.ts';

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
});
afterAll(() => world.close());

const WATCH = `subscription ($show: ID) { salesEvents(showId: $show) { missed events { __typename id type time sequence subject showId userId
  ... on ReservationEvent { reservationId seatIds amount expiresAt }
  ... on PaymentEvent { paymentId paidReservationId paidOrderId amount failure cancelledAt }
  ... on OrderEvent { orderId total } ... on StockEvent { productId stock } ... on ShowEvent { concertId venue startsAt }
  ... on OfferEvent { subject }
  ... on QueueEvent { queueId } ... on CouponEvent { couponId serial } } } }`;

const told = (events: readonly Data[]): Data[] => events.flatMap(({ salesEvents }) => salesEvents.events);

/** Subscribes, and waits until the subscription hears what is reserved of `probed`, a seat after the other. */
async function watch(probed: MadeShow, showId?: string): Promise<ReturnType<Buyer['watch']>> {
  const feed = operator.watch(WATCH, { show: showId });
  const seats = [...probed.seats].reverse();
  await eventually(async () => {
    await reserve(await world.buyer(), probed.id, [seats.shift() as string]);
    await new Promise((resolve) => setTimeout(resolve, 600));
    return feed.events.length > 0;
  });
  return feed;
}

it('an operator hears what is sold of a show, typed and in order, and nothing of other shows', async () => {
  const [show, other] = [await makeShow(operator), await makeShow(operator)];
  const feed = await watch(show, show.id);
  const [buyer, another] = (await world.buyers(2, 5_000)) as [Buyer, Buyer];
  await reserve(another.at(world.urls[1] as string), other.id, [other.seats[0] as string]);
  const held = await reserve(buyer.at(world.urls[1] as string), show.id, [show.seats[0] as string]);
  const paid = await pay(buyer, held.id);
  const isOfPayment = ({ paymentId }: Data): boolean => paymentId === paid.id;
  await feed.until(({ salesEvents }) => salesEvents.events.some(isOfPayment));
  const events = told(feed.events);
  const mine = events.filter(
    ({ reservationId, paidReservationId }) => reservationId === held.id || paidReservationId === held.id,
  );
  expect(mine.map(({ __typename, type }) => `${__typename} ${type}`).sort()).toEqual([
    'PaymentEvent payment.completed.v1',
    'ReservationEvent reservation.confirmed.v1',
    'ReservationEvent reservation.held.v1',
  ]);
  expect(events.find(isOfPayment)).toMatchObject({ showId: show.id, amount: 1_000, subject: paid.id, failure: null });
  expect(events.every(({ showId }) => showId === show.id)).toBe(true);
  expect(feed.events.every(({ salesEvents }) => salesEvents.missed === 0)).toBe(true);
  expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
});

it('what operators mend is told too, each change by the type of the schema that fits it', async () => {
  const show = await makeShow(operator);
  const feed = await watch(show);
  const [product, coupon] = [await makeProduct(operator), await makeCoupon(operator)];
  const startsAt = new Date(Date.now() + 90 * 3_600_000).toISOString();
  for (const mutation of [
    `updateShow(input: { id: "${show.id}", venue: "elsewhere", startsAt: "${startsAt}" }) { __typename }`,
    `updateProduct(input: { id: "${product}", price: 5 }) { __typename }`,
    `updateCoupon(input: { id: "${coupon}", quantity: 50 }) { __typename }`,
    `closeCoupon(input: { id: "${coupon}" }) { id }`,
    `withdrawProduct(input: { id: "${product}" }) { id }`,
    `withdrawConcert(input: { id: "${show.concertId}" }) { __typename }`,
  ])
    await operator.get(`mutation { ${mutation} }`);
  const subjects = [show.id, product, coupon, show.concertId];
  const mendings = (): Data[] => told(feed.events).filter(({ subject }) => subjects.includes(subject));
  await feed.until(() => mendings().length >= 6);
  const mended = mendings();
  expect(mended.map(({ __typename, type }) => `${__typename} ${type}`).sort()).toEqual([
    'OfferEvent concert.withdrawn.v1',
    'OfferEvent coupon.changed.v1',
    'OfferEvent coupon.closed.v1',
    'OfferEvent product.changed.v1',
    'OfferEvent product.withdrawn.v1',
    'ShowEvent show.changed.v1',
  ]);
  const changed = mended.find(({ type }) => type === 'show.changed.v1');
  expect(changed).toMatchObject({ showId: show.id, venue: 'elsewhere', startsAt });
});

it('without a show everything is told, orders and stock too', async () => {
  const feed = await watch(await makeShow(operator));
  const product = await makeProduct(operator, { stock: 3 });
  const order = await placeOrder(await world.buyer(), { [product]: 2 });
  await feed.until(() => told(feed.events).some(({ productId, stock }) => productId === product && stock === 1));
  expect(told(feed.events).find(({ orderId }) => orderId === order.id)).toMatchObject({ __typename: 'OrderEvent' });
});

it('events that left the stream before they were read are counted as missed', async () => {
  const feed = await watch(await makeShow(operator));
  const before = feed.events.length;
  const event = JSON.stringify({
    id: 'x',
    type: 'queue.opened.v1',
    time: new Date(),
    sequence: '0',
    subject: 'x',
    data: { queueId: 'x' },
  });
  const adding = world.redis.pipeline();
  for (let n = 0; n < 1_500; n++) adding.xadd('onsale:events', '*', 'event', event);
  await adding.exec();
  await feed.until(() => told(feed.events.slice(before)).length >= 1_000);
  const later = feed.events.slice(before);
  const missed = later.reduce((sum, { salesEvents }) => sum + salesEvents.missed, 0);
  expect(missed + told(later).length).toBe(1_500);
  expect(missed).toBeGreaterThan(0);
});

it('no more than four batches a second are sent, however much is sold', async () => {
  const feed = await watch(await makeShow(operator));
  const began = performance.now();
  const before = feed.events.length;
  const show = await makeShow(operator);
  const buyers = await world.buyers(40);
  for (const [index, buyer] of buyers.entries()) await reserve(buyer, show.id, [show.seats[index] as string]);
  await feed.until(() => told(feed.events).filter(({ showId }) => showId === show.id).length === 40);
  const seconds = (performance.now() - began) / 1_000;
  expect(feed.events.length - before).toBeLessThanOrEqual(4 * seconds + 2);
});

it('a buyer is FORBIDDEN, an unknown show is NOT_FOUND, and text that is no id is BAD_USER_INPUT', async () => {
  const refusalOf = async (buyer: Buyer, show?: string): Promise<string> =>
    (await buyer.watch(WATCH, { show }).until(() => true)).errors[0].extensions.code;
  expect(await refusalOf(await world.buyer())).toBe('FORBIDDEN');
  expect(await refusalOf(operator, '01900000-0000-7000-8000-000000000000')).toBe('NOT_FOUND');
  expect(await refusalOf(operator, 'no id')).toBe('BAD_USER_INPUT');
});
