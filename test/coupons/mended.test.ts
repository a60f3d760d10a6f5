import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually, violationsOf } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { CLOSE_COUPON, closeCoupon, mendCoupon, UPDATE_COUPON } from '../support/coupons.ts';
import { faultOf, readStream } from '../support/events.ts';
import { claim, makeCoupon, makeProduct, payOrder, placeOrder } from '../support/shop.ts';
import { World } from '../support/world.ts';

const HOUR = 3_600_000;
const READ = 'query ($id: ID!) { coupon(id: $id) { name quantity remaining startsAt endsAt closedAt } }';

const fromNow = (ms: number): Date => new Date(Date.now() + ms);
describe('an operator', () => {
  let world: World;
  let operator: Buyer;
  beforeAll(async () => {
    world = await World.open();
    operator = await world.operator();
  });
  afterAll(() => world.close());
  const read = async (id: string): Promise<Data> => (await operator.get(READ, { id })).coupon;

  it('moves the times of a coupon: claims and uses follow them', async () => {
    const coupon = await makeCoupon(operator, { startsAt: fromNow(HOUR), endsAt: fromNow(2 * HOUR) });
    const buyer = await world.buyer(10_000);
    expect(await claim(buyer, coupon)).toMatchObject({ code: 'COUPON_CLOSED' });
    const startsAt = fromNow(-1_000);
    expect(await mendCoupon(operator, { id: coupon, startsAt, name: 'sooner' })).toMatchObject({
      name: 'sooner',
      startsAt: startsAt.toISOString(),
    });
    const { id: issuedCouponId } = await claim(buyer, coupon);
    const product = await makeProduct(operator);
    await mendCoupon(operator, { id: coupon, startsAt: fromNow(HOUR) });
    expect(await placeOrder(buyer, { [product]: 1 }, { issuedCouponId })).toMatchObject({ code: 'COUPON_NOT_USABLE' });
    await mendCoupon(operator, { id: coupon, startsAt });
    expect(await placeOrder(buyer, { [product]: 1 }, { issuedCouponId })).toMatchObject({ discount: 500 });
  });

  it('closes a coupon once: those in hands are used until endsAt, and it is no longer listed for buyers', async () => {
    const coupon = await makeCoupon(operator);
    const buyer = await world.buyer(10_000);
    const { id: issuedCouponId } = await claim(buyer, coupon);
    const listed = async (asking: Buyer): Promise<string[]> =>
      (await asking.get('{ coupons(first: 100) { edges { node { id } } } }')).coupons.edges.map(
        ({ node }: Data) => node.id,
      );
    expect(await listed(buyer)).toContain(coupon);
    const closed = await closeCoupon(operator, coupon);
    expect(await closeCoupon(operator, coupon)).toEqual(closed);
    expect(await read(coupon)).toMatchObject({ closedAt: closed.closedAt, remaining: 9 });
    expect(await listed(buyer)).not.toContain(coupon);
    expect(await listed(operator)).toContain(coupon);
    expect(await claim(buyer, coupon)).toMatchObject({ __typename: 'CouponAlreadyClaimed' });
    const order = await placeOrder(buyer, { [await makeProduct(operator)]: 1 }, { issuedCouponId });
    expect(await payOrder(buyer, order.id)).toMatchObject({ status: 'COMPLETED', amount: 500 });
    expect(await mendCoupon(operator, { id: coupon, quantity: 11 })).toEqual({
      __typename: 'Refusal',
      code: 'COUPON_CLOSED',
    });
    expect(await mendCoupon(operator, { id: coupon, name: 'over', endsAt: fromNow(3 * HOUR) })).toMatchObject({
      name: 'over',
    });
    expect(await violationsOf(operator)).toEqual({});
  });

  it('never takes coupons away, and what cannot be is refused with nothing changed', async () => {
    const id = await makeCoupon(operator, { quantity: 5 });
    await claim(await world.buyer(), id);
    const before = await read(id);
    expect(await mendCoupon(operator, { id, quantity: 4, name: 'less' })).toEqual({
      __typename: 'QuantityOnlyGrows',
      code: 'QUANTITY_ONLY_GROWS',
      now: 5,
    });
    const wrong = [
      ...[
        { name: '' },
        { name: null },
        { quantity: 0 },
        { quantity: 1_000_001 },
        { quantity: null },
        { startsAt: null },
      ],
      ...[{ endsAt: null }, { endsAt: fromNow(-1_000) }, { startsAt: fromNow(2 * HOUR) }],
      { startsAt: fromNow(3 * HOUR), endsAt: fromNow(2 * HOUR) },
    ];
    for (const input of wrong)
      expect([input, await operator.fail(UPDATE_COUPON, { input: { id, ...input } })]).toEqual([
        input,
        'BAD_USER_INPUT',
      ]);
    expect(await operator.fail(UPDATE_COUPON, { input: { id: randomUUID(), quantity: 9 } })).toBe('NOT_FOUND');
    expect(await operator.fail(CLOSE_COUPON, { input: { id: randomUUID() } })).toBe('NOT_FOUND');
    expect(await read(id)).toEqual(before);
    const shrink = world.pool.query('update coupon set quantity = 3 where id = $1', [id]);
    await expect(shrink).rejects.toMatchObject({ constraint: 'coupon_quantity_only_grows' });
  });

  it('is told of to other systems, each event as its schema says', async () => {
    const id = await makeCoupon(operator, { quantity: 5 });
    await claim(await world.buyer(), id);
    await mendCoupon(operator, { id, name: 'only another name' });
    const { startsAt, endsAt } = await mendCoupon(operator, { id, quantity: 6 });
    const { closedAt } = await closeCoupon(operator, id);
    let events: Data[] = [];
    await eventually(async () => {
      events = (await readStream(world.redis)).filter(({ subject }) => subject === id);
      return events.length >= 2;
    });
    expect(events.map(({ type, data }) => [type, data])).toEqual([
      ['coupon.changed.v1', { couponId: id, quantity: 6, startsAt, endsAt }],
      ['coupon.closed.v1', { couponId: id, closedAt }],
    ]);
    expect(events.map(faultOf)).toEqual([undefined, undefined]);
  });
});

describe('without the guard', () => {
  let world: World;
  afterEach(() => world.close());

  it('a quantity that was raised is lowered by who judged an older one: the test of the guard can fail', async () => {
    world = await World.open({ env: { COUPON_GUARD: 'pessimistic' }, preload: './without-coupon-guard.ts' });
    await world.pool.query('drop trigger coupon_grown on coupon');
    const operator = await world.operator();
    const raise = (id: string, quantity: number, index: number): Promise<Data> =>
      mendCoupon(operator.at(world.urls[index % 2] as string), { id, quantity });
    let lost = 0;
    for (let round = 0; round < 60 && lost === 0; round++) {
      const id = await makeCoupon(operator, { quantity: 1 });
      const quantities = Array.from({ length: 12 }, (_, index) => 12 - index);
      const answers: Data[] = await Promise.all(quantities.map((quantity, index) => raise(id, quantity, index)));
      const highest = Math.max(...answers.map(({ quantity = 0 }) => quantity));
      const { rows } = await world.pool.query('select quantity from coupon where id = $1', [id]);
      lost = highest - rows[0].quantity;
    }
    expect(lost).toBeGreaterThan(0);
  });
});
