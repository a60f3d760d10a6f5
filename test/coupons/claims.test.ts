import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, violationsOf } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { closeCoupon, hasOne, mendCoupon } from '../support/coupons.ts';
import { claimTwice } from '../support/rush.ts';
import { cancelOrder, claim, makeCoupon, makeOverdue, makeProduct, placeOrder } from '../support/shop.ts';
import { World } from '../support/world.ts';

const HOUR = 3_600_000;

describe.each([
  ['optimistic', 200, 100, 2],
  ['pessimistic', 1_000, 300, 5],
  ['redis-lock', 200, 100, 2],
] as const)('under COUPON_GUARD=%s', (guard, crowd, growing, rounds) => {
  let world: World;
  let operator: Buyer;
  beforeAll(async () => {
    world = await World.open({ env: { COUPON_GUARD: guard } });
    operator = await world.operator();
  });
  afterAll(() => world.close());
  const at = (buyer: Buyer, index: number): Buyer => buyer.at(world.urls[index % 2] as string);

  it('of 30 coupons that 40 users claim at once exactly 30 are issued, with serials 1 to 30', async () => {
    const coupon = await makeCoupon(operator, { quantity: 30 });
    const buyers = await world.buyers(40);
    const answers: Data[] = await Promise.all(buyers.map((buyer) => claim(buyer, coupon)));
    const serials = answers.filter(({ __typename }) => __typename === 'IssuedCoupon').map(({ serial }) => serial);
    expect(serials.sort((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, index) => index + 1));
    expect(answers.filter(({ code }) => code === 'COUPON_SOLD_OUT')).toHaveLength(10);
    expect((await operator.get(`{ coupon(id: "${coupon}") { remaining } }`)).coupon.remaining).toBe(0);
    expect(await violationsOf(operator)).toEqual({});
  });

  it('a second claim always hears CouponAlreadyClaimed with the first one, also when both arrive at once', async () => {
    for (let round = 0; round < 3; round++) {
      const coupon = await makeCoupon(operator, { quantity: 1 });
      const buyer = await world.buyer();
      const answers: Data[] = await Promise.all(
        Array.from({ length: 20 }, (_, index) => claim(at(buyer, index), coupon)),
      );
      const issued = answers.filter(({ __typename }) => __typename === 'IssuedCoupon');
      expect(issued).toHaveLength(1);
      const others = answers.filter(({ __typename }) => __typename === 'CouponAlreadyClaimed');
      expect(others.map(({ issuedCoupon }) => issuedCoupon)).toEqual(others.map(() => withoutType(issued[0])));
      expect(others).toHaveLength(19);
      await world.pool.query('update coupon set ends_at = clock_timestamp() where id = $1', [coupon]);
      expect(await claim(buyer, coupon)).toMatchObject({ __typename: 'CouponAlreadyClaimed' });
    }
  });

  it('serials follow the order of asking', async () => {
    const coupon = await makeCoupon(operator);
    for (const [index, buyer] of (await world.buyers(5)).entries()) {
      expect((await claim(at(buyer, index), coupon)).serial).toBe(index + 1);
    }
  });

  it('before startsAt and from endsAt on nothing is given out, by the clock of PostgreSQL', async () => {
    const now = Date.now();
    const early = await makeCoupon(operator, { startsAt: new Date(now + HOUR), endsAt: new Date(now + 2 * HOUR) });
    const late = await makeCoupon(operator, { quantity: 1 });
    await world.pool.query('update coupon set ends_at = clock_timestamp() where id = $1', [late]);
    const buyers = await world.buyers(10);
    for (const coupon of [early, late]) {
      const answers = await Promise.all(buyers.map((buyer) => claim(buyer, coupon)));
      expect(new Set(answers.map(({ code }) => code))).toEqual(new Set(['COUPON_CLOSED']));
    }
    await world.pool.query(`update coupon set starts_at = clock_timestamp() - interval '1 hour' where id = $1`, [
      early,
    ]);
    expect((await claim(buyers[0] as Buyer, early)).serial).toBe(1);
    expect(await violationsOf(operator)).toEqual({});
  });

  it('one issued coupon on 20 orders placed at once is used for one, and the others take no stock', async () => {
    const product = await makeProduct(operator, { stock: 100 });
    const buyer = await world.buyer();
    const issued = await claim(buyer, await makeCoupon(operator));
    const answers: Data[] = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        placeOrder(at(buyer, index), { [product]: 1 + (index % 3) }, { issuedCouponId: issued.id }),
      ),
    );
    const placed = answers.filter(({ __typename }) => __typename === 'Order');
    expect(placed).toHaveLength(1);
    expect(answers.filter(({ code }) => code === 'COUPON_NOT_USABLE')).toHaveLength(19);
    expect(placed[0].coupon).toMatchObject({ id: issued.id, status: 'USED', usedAt: placed[0].createdAt });
    const { rows } = await world.pool.query('select stock from product where id = $1', [product]);
    expect(rows).toEqual([{ stock: 100 - placed[0].lines[0].quantity }]);
  });

  it('a cancelled order, and one not paid in time, give the coupon back', async () => {
    const product = await makeProduct(operator);
    const buyer = await world.buyer();
    const issued = await claim(buyer, await makeCoupon(operator));
    const statuses = async (): Promise<string[]> =>
      (await buyer.get('{ myCoupons { id status } }')).myCoupons.map(({ status }: Data) => status);
    const first = await placeOrder(buyer, { [product]: 1 }, { issuedCouponId: issued.id });
    expect(await statuses()).toEqual(['USED']);
    await cancelOrder(buyer, first.id);
    expect(await statuses()).toEqual(['ISSUED']);
    const second = await placeOrder(buyer, { [product]: 1 }, { issuedCouponId: issued.id });
    await makeOverdue(world.pool, second.id);
    expect(await statuses()).toEqual(['ISSUED']);
    expect(await placeOrder(buyer, { [product]: 1 }, { issuedCouponId: issued.id })).toMatchObject({
      status: 'PLACED',
      discount: 500,
    });
  });

  it(`${crowd} users who claim twice over two processes for a fifth as many coupons get exactly those, at most one each`, async () => {
    await claimTwice(world, operator, crowd);
    expect(await violationsOf(operator)).toEqual({});
  });

  it(`more that are added while ${growing} claim at once are all given out, no serial twice and none left out`, async () => {
    const coupon = await makeCoupon(operator, { quantity: 20 });
    const buyers = await world.buyers(growing);
    const last = growing - 50;
    const grow = async (): Promise<void> => {
      for (const quantity of [last - 29, last - 28, last - 10, last]) {
        expect(
          await mendCoupon(operator.at(world.urls[quantity % 2] as string), { id: coupon, quantity }),
        ).toMatchObject({
          quantity,
        });
      }
    };
    const [answers] = await Promise.all([Promise.all(buyers.map((buyer) => claim(buyer, coupon))), grow()]);
    const late = buyers.filter((_buyer, index) => answers[index].code === 'COUPON_SOLD_OUT');
    expect(answers.filter(hasOne)).toHaveLength(growing - late.length);
    // A process may remember for a second that there are no more.
    for (const [index, url] of world.urls.entries())
      await eventually(async () => hasOne(await claim((late[index] as Buyer).at(url), coupon)));
    const rest: Data[] = await Promise.all(late.map((buyer) => claim(buyer, coupon)));
    expect(rest.filter(hasOne)).toHaveLength(late.length - 50);
    expect(rest.filter(({ code }) => code === 'COUPON_SOLD_OUT')).toHaveLength(50);
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
      const { closedAt } = await closeCoupon(operator.at(world.urls[round % 2] as string), coupon);
      const answers: Data[] = await Promise.all(claims);
      const { rows } = await world.pool.query(
        `select count(*)::int as issued, count(*) filter (where issued_at > $2)::int as late
         from issued_coupon where coupon_id = $1`,
        [coupon, closedAt],
      );
      expect(rows).toEqual([{ issued: answers.filter(hasOne).length, late: 0 }]);
      expect(answers.filter(({ code }) => code === 'COUPON_CLOSED')).toHaveLength(60 - rows[0].issued);
      expect(await claim(await world.buyer(), coupon)).toMatchObject({ code: 'COUPON_CLOSED' });
    }
    expect(await violationsOf(operator)).toEqual({});
  });
});

function withoutType({ __typename, ...fields }: Data): Data {
  return fields;
}
