import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { balanceOf, cancelPayment, eventually, makeShow, pay, reserve, violationsOf } from '../support/builders.ts';
import { type Buyer, type Data } from '../support/client.ts';
import { chainOf } from '../support/ledger.ts';
import { claim, makeCoupon, makeProduct, placeOrder, stockOf } from '../support/shop.ts';
import { World } from '../support/world.ts';

describe('a process that dies beside another', () => {
  let world: World;
  let operator: Buyer;
  beforeAll(async () => {
    world = await World.open({ processes: 1 });
    operator = await world.operator();
  });
  afterAll(() => world.close());

  it('a process killed after the commit and before the answer: the retry gets that order, its stock and coupon taken once', async () => {
    const product = await makeProduct(operator, { stock: 10 });
    const buyer = await world.buyer();
    const { id: issuedCouponId } = await claim(buyer, await makeCoupon(operator));
    const doomed = await world.startProcess({}, './die-after-order.ts');
    const ask = (who: Buyer): Promise<Data> =>
      placeOrder(who, { [product]: 3 }, { issuedCouponId, idempotencyKey: 'one wish' });
    await expect(ask(buyer.at(doomed.url))).rejects.toThrow();
    await eventually(() => doomed.child.signalCode === 'SIGKILL');
    const answer = await ask(buyer);
    expect(answer).toMatchObject({ __typename: 'Order', status: 'PLACED', discount: 500 });
    const { rows } = await world.pool.query('select id from shop_order where user_id = $1', [buyer.id]);
    expect(rows).toEqual([{ id: answer.id }]);
    expect(await stockOf(buyer, product)).toBe(7);
  });

  it('a process killed in a storm of orders loses and doubles none: retries with the same keys complete them all', async () => {
    const product = await makeProduct(operator, { stock: 1_000 });
    const survivor = world.urls[0] as string;
    const doomed = await world.startProcess();
    const buyers = await world.buyers(100);
    const storm = buyers.map((buyer, index) =>
      placeOrder(buyer.at(index % 2 ? doomed.url : survivor), { [product]: 2 }, { idempotencyKey: 'k' }).catch(
        () => undefined,
      ),
    );
    await Promise.race(storm);
    await doomed.stop('SIGKILL');
    const first = await Promise.all(storm);
    const again = await Promise.all(
      buyers.map((buyer) => placeOrder(buyer.at(survivor), { [product]: 2 }, { idempotencyKey: 'k' })),
    );
    expect(again.filter(({ status }) => status !== 'PLACED')).toEqual([]);
    for (const [index, answer] of first.entries()) if (answer) expect(again[index].id).toBe(answer.id);
    expect(await stockOf(buyers[0]?.at(survivor) as Buyer, product)).toBe(800);
    expect(await violationsOf(operator)).toEqual({});
  });

  it('a process killed in a storm of cancellations loses and doubles none: retries with the same keys complete them all', async () => {
    const show = await makeShow(operator, { seatCount: 60 });
    const survivor = world.urls[0] as string;
    const buyers = (await world.buyers(20, 3_000)).map((buyer) => buyer.at(survivor));
    const paid = await Promise.all(
      show.seats.map(async (seat, index) => {
        const buyer = buyers[index % 20] as Buyer;
        const { id } = await reserve(buyer, show.id, [seat]);
        return { buyer, id: (await pay(buyer, id)).id };
      }),
    );
    const doomed = await world.startProcess();
    const storm = paid.map(({ buyer, id }, index) =>
      cancelPayment(index % 2 ? buyer.at(doomed.url) : buyer, id, `key of ${id}`).catch(() => undefined),
    );
    await Promise.race(storm);
    await doomed.stop('SIGKILL');
    const first = await Promise.all(storm);
    expect(first).toContain(undefined);
    const again = await Promise.all(paid.map(({ buyer, id }) => cancelPayment(buyer, id, `key of ${id}`)));
    expect(again.map(({ status, id }) => [status, id])).toEqual(paid.map(({ id }) => ['CANCELLED', id]));
    const { rows } = await world.pool.query(
      'select (select count(*)::int from ticket) as tickets, (select count(*)::int from hold) as holds',
    );
    expect(rows).toEqual([{ tickets: 0, holds: 0 }]);
    for (const buyer of buyers) expect(await balanceOf(buyer)).toBe(3_000);
    expect(await violationsOf(operator)).toEqual({});
  });
});

describe('a process that dies after a payment', () => {
  let world: World;
  beforeAll(async () => {
    world = await World.open();
  });
  afterAll(() => world.close());

  interface Wish {
    readonly buyer: Buyer;
    readonly id: string;
    readonly key: string;
  }

  /** Reservations of one seat each, a few for every buyer. */
  async function wishes(buyers: Buyer[], show: { id: string; seats: string[] }, each: number): Promise<Wish[]> {
    const wish = async (buyer: Buyer, index: number): Promise<Wish> => {
      const { id } = await reserve(buyer, show.id, [show.seats[index] as string]);
      return { buyer, id, key: `key of ${id}` };
    };
    return Promise.all(buyers.flatMap((buyer, b) => Array.from({ length: each }, (_, i) => wish(buyer, b * each + i))));
  }

  it('a process killed in a storm of payments loses and doubles none: retries with the same keys complete them all', async () => {
    const show = await makeShow(await world.operator(), { seatCount: 120 });
    const buyers = await world.buyers(30, 10_000);
    const all = await wishes(buyers, show, 4);
    const [doomed, survivor] = world.processes as [World['processes'][number], World['processes'][number]];

    const storm = all.map(({ buyer, id, key }, index) =>
      pay(buyer.at(index % 2 === 0 ? doomed.url : survivor.url), id, key).catch(() => undefined),
    );
    await Promise.race(storm);
    await doomed.stop('SIGKILL');
    const first = await Promise.all(storm);
    expect(first).toContain(undefined);

    const retried: Data[] = await Promise.all(all.map(({ buyer, id, key }) => pay(buyer.at(survivor.url), id, key)));
    expect(retried.filter(({ status }) => status !== 'COMPLETED')).toEqual([]);
    for (const [index, answer] of first.entries()) if (answer) expect(retried[index].id).toBe(answer.id);
    const { rows } = await world.pool.query(
      `select (select count(*)::int from ticket) as tickets, (select count(*)::int from hold) as holds,
       (select count(*)::int from payment where status = 'COMPLETED') as payments`,
    );
    expect(rows[0]).toEqual({ tickets: 120, holds: 0, payments: 120 });
    for (const buyer of buyers) {
      expect(await chainOf(world.pool, buyer.id)).toEqual({ entries: 5, unbroken: true, sum: 6_000 });
    }
  });
});
