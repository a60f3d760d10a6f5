import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually, violationsOf } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { faultOf, readStream } from '../support/events.ts';
import { claim, makeCoupon, makeProduct, payOrder, placeOrder } from '../support/shop.ts';
import { World } from '../support/world.ts';

const HOUR = 3_600_000;
const UPDATE = `mutation ($input: UpdateCouponInput!) { updateCoupon(input: $input) {
  __typename ... on Coupon { id name quantity remaining startsAt endsAt } ... on QuantityOnlyGrows { now: quantity }
  ... on Problem { code } } }`;
const CLOSE = 'mutation ($input: CloseCouponInput!) { closeCoupon(input: $input) { id closedAt } }';
const READ = 'query ($id: ID!) { coupon(id: $id) { name quantity remaining startsAt endsAt closedAt } }';

const mend = async (operator: Buyer, input: object): Promise<Data> =>
  (await operator.get(UPDATE, { input })).updateCoupon;
const close = async (operator: Buyer, id: string): Promise<Data> =>
  (await operator.get(CLOSE, { input: { id } })).closeCoupon;
const fromNow = (ms: number): Date => new Date(Date.now() + ms);
const count = (answers: readonly Data[], code: string): number =>
  answers.filter((answer) => answer.code === code).length;
/** Also who asked again, having been told nothing in time. */
const hasOne = ({ __typename }: Data): boolean => ['IssuedCoupon', 'CouponAlreadyClaimed'].includes(__typename);

describe.each([
  ['optimistic', 100, 2],
  ['pessimistic', 300, 5],
  ['redis-lock', 100, 2],
] as const)('under COUPON_GUARD=%s', (guard, crowd, rounds) => {
  let world: World;
  let operator: Buyer;
  beforeAll(async () => {
    world = await World.open({ env: { COUPON_GUARD: guard } });
    operator = await world.operator();
  });
  afterAll(() => world.close());

  it(`more that are added while ${crowd} claim at once are all given out, no serial twice and none left out`, async () => {
    const coupon = await makeCoupon(operator, { quantity: 20 });
    const buyers = await world.buyers(crowd);
    const last = crowd - 50;
    const growing = async (): Promise<void> => {
      for (const quantity of [last - 29, last - 28, last - 10, last]) {
        expect(await mend(operator.at(world.urls[quantity % 2] as string), { id: coupon, quantity })).toMatchObject({
          quantity,
        });
      }
    };
    const [answers] = await Promise.all([Promise.all(buyers.map((buyer) => claim(buyer, coupon))), growing()]);
    const late = buyers.filter((_buyer, index) => answers[index].code === 'COUPON_SOLD_OUT');
    expect(answers.filter(hasOne)).toHaveLength(crowd - late.length);
    // A process may remember for a second that there are no more.
    for (const [index, url] of world.urls.entries())
      await eventually(async () => hasOne(await claim((late[index] as Buyer).at(url), coupon)));
    const rest: Data[] = await Promise.all(late.map((buyer) => claim(buyer, coupon)));
    expect(rest.filter(hasOne)).toHaveLength(late.length - 50);
    expect(count(rest, 'COUPON_SOLD_OUT')).toBe(50);
    const { rows } = await world.pool.query(
      `select count(*)::int as issued, max(serial) as highest, bool_and(serial <= quantity) as within
       from issued_coupon where coupon_id = $1`,
      [coupon],
    );
    expect(rows).toEqual([{ issued: last, highest: last, within: true }]);
    expect(await violationsOf(operator)).toEqual({});
  });

  it('from the close on none is given out, also to who is claiming at that moment', async () => {
    for (let round = 0; round < rounds; round++) {
      const coupon = await makeCoupon(operator, { quantity: 100 });
      const buyers = await world.buyers(60);
      const claims = buyers.map((buyer) => claim(buyer, coupon));
      const { closedAt } = await close(operator.at(world.urls[round % 2] as string), coupon);
      const answers: Data[] = await Promise.all(claims);
      const { rows } = await world.pool.query(
        `select count(*)::int as issued, count(*) filter (where issued_at > $2)::int as late
         from issued_coupon where coupon_id = $1`,
        [coupon, closedAt],
      );
      expect(rows).toEqual([{ issued: answers.filter(hasOne).length, late: 0 }]);
      expect(count(answers, 'COUPON_CLOSED')).toBe(60 - rows[0].issued);
      expect(await claim(await world.buyer(), coupon)).toMatchObject({ code: 'COUPON_CLOSED' });
    }
    expect(await violationsOf(operator)).toEqual({});
  });
});

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
    expect(await mend(operator, { id: coupon, startsAt, name: 'sooner' })).toMatchObject({
      name: 'sooner',
      startsAt: startsAt.toISOString(),
    });
    const { id: issuedCouponId } = await claim(buyer, coupon);
    const product = await makeProduct(operator);
    await mend(operator, { id: coupon, startsAt: fromNow(HOUR) });
    expect(await placeOrder(buyer, { [product]: 1 }, { issuedCouponId })).toMatchObject({ code: 'COUPON_NOT_USABLE' });
    await mend(operator, { id: coupon, startsAt });
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
    const closed = await close(operator, coupon);
    expect(await close(operator, coupon)).toEqual(closed);
    expect(await read(coupon)).toMatchObject({ closedAt: closed.closedAt, remaining: 9 });
    expect(await listed(buyer)).not.toContain(coupon);
    expect(await listed(operator)).toContain(coupon);
    expect(await claim(buyer, coupon)).toMatchObject({ __typename: 'CouponAlreadyClaimed' });
    const order = await placeOrder(buyer, { [await makeProduct(operator)]: 1 }, { issuedCouponId });
    expect(await payOrder(buyer, order.id)).toMatchObject({ status: 'COMPLETED', amount: 500 });
    expect(await mend(operator, { id: coupon, quantity: 11 })).toEqual({
      __typename: 'Refusal',
      code: 'COUPON_CLOSED',
    });
    expect(await mend(operator, { id: coupon, name: 'over', endsAt: fromNow(3 * HOUR) })).toMatchObject({
      name: 'over',
    });
    expect(await violationsOf(operator)).toEqual({});
  });

  it('never takes coupons away, and what cannot be is refused with nothing changed', async () => {
    const id = await makeCoupon(operator, { quantity: 5 });
    await claim(await world.buyer(), id);
    const before = await read(id);
    expect(await mend(operator, { id, quantity: 4, name: 'less' })).toEqual({
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
      expect([input, await operator.fail(UPDATE, { input: { id, ...input } })]).toEqual([input, 'BAD_USER_INPUT']);
    expect(await operator.fail(UPDATE, { input: { id: randomUUID(), quantity: 9 } })).toBe('NOT_FOUND');
    expect(await operator.fail(CLOSE, { input: { id: randomUUID() } })).toBe('NOT_FOUND');
    expect(await read(id)).toEqual(before);
    const shrink = world.pool.query('update coupon set quantity = 3 where id = $1', [id]);
    await expect(shrink).rejects.toMatchObject({ constraint: 'coupon_quantity_only_grows' });
  });

  it('is told of to other systems, each event as its schema says', async () => {
    const id = await makeCoupon(operator, { quantity: 5 });
    await claim(await world.buyer(), id);
    await mend(operator, { id, name: 'only another name' });
    const { startsAt, endsAt } = await mend(operator, { id, quantity: 6 });
    const { closedAt } = await close(operator, id);
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
      mend(operator.at(world.urls[index % 2] as string), { id, quantity });
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
