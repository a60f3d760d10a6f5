import { afterAll, beforeAll, expect, it } from 'vitest';
import { cancelPayment } from '../support/builders.ts';
import { type Buyer, type Data, post } from '../support/client.ts';
import { sentBy, stepsOf } from '../support/plans.ts';
import type { AppProcess } from '../support/process.ts';
import { foldedOf, untilFolded } from '../support/sales.ts';
import { makeProduct, payOrder, placeOrder } from '../support/shop.ts';
import { World } from '../support/world.ts';

const TIME_ZONE = 'Pacific/Auckland';

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open({ env: { TIME_ZONE }, preload: './tell-statements.ts' });
  operator = await world.operator();
});
afterAll(() => world.close());

async function told(days: number, first = 100): Promise<Data[]> {
  const { data, errors } = await post(
    world.urls[0] as string,
    `{ bestSellers(days: ${days}, first: ${first}) { rank quantity revenue product { id } } }`,
  );
  expect(errors).toBeUndefined();
  return data.bestSellers.map(({ product, ...rest }: Data) => ({ ...rest, id: product.id }));
}

/** The same from every order, counted in full. */
async function counted(days: number): Promise<Data[]> {
  const { rows } = await world.pool.query(
    `select (row_number() over (order by sum(l.quantity) desc, l.product_id))::int as rank, sum(l.quantity)::int as quantity,
       sum(l.quantity * l.unit_price)::float8 as revenue, l.product_id as id
     from shop_order o join payment p on p.order_id = o.id and p.status = 'COMPLETED' join order_line l on l.order_id = o.id
     where o.status = 'PAID' and (p.created_at at time zone $1)::date > (clock_timestamp() at time zone $1)::date - $2::int
     group by l.product_id order by rank`,
    [TIME_ZONE, days],
  );
  return rows;
}

/** Lets an order have been paid some days ago. */
async function age(orderId: string, days: number): Promise<void> {
  await world.pool.query(`update payment set created_at = created_at - make_interval(days => $2) where order_id = $1`, [
    orderId,
    days,
  ]);
  await world.pool.query(
    `with o as (update shop_order set paid_on = paid_on - $2::int where id = $1 returning id, paid_on),
     l as (select paid_on, product_id, sum(quantity) as q, sum(quantity * unit_price) as r
       from o join order_line l on l.order_id = o.id group by 1, 2)
     insert into sale_change (day, product_id, quantity, revenue)
     select paid_on + $2::int, product_id, -q, -r from l union all select paid_on, product_id, q, r from l`,
    [orderId, days],
  );
}

it('is what a full count says, over any number of days, whatever was bought, refunded or left unpaid at once', async () => {
  const products = await Promise.all(
    [100, 250, 70, 900].map((price) => makeProduct(operator, { price, stock: 10_000 })),
  );
  const buyers = await world.buyers(10, 10_000_000);
  await Promise.all(
    buyers.map(async (buyer, index) => {
      for (let round = 0; round < 6; round++) {
        const basket = {
          [products[(index + round) % 4] as string]: 1 + round,
          [products[round % 4] as string]: 2 + (index % 3),
        };
        const order = await placeOrder(buyer, basket);
        if (round === 5) continue;
        const payment = await payOrder(buyer.at(world.urls[round % 2] as string), order.id);
        if (round > 2) await age(order.id, round * 2);
        if ((index + round) % 4 === 0) await cancelPayment(operator, payment.id);
      }
    }),
  );
  await world.redis.flushall();
  for (const days of [1, 3, 7, 30]) expect(await told(days)).toEqual(await counted(days));
  expect(await told(30, 2)).toEqual((await counted(30)).slice(0, 2));
  expect((await told(1)).length).toBeGreaterThan(0);
});

it('ties are broken by the id of the product', async () => {
  const products = await Promise.all([10, 10, 10].map((price) => makeProduct(operator, { price })));
  const buyer = await world.buyer(1_000_000);
  const order = await placeOrder(buyer, Object.fromEntries(products.map((id) => [id, 100])));
  await payOrder(buyer, order.id);
  const ranked = (await told(1)).map(({ id }) => id).filter((id) => products.includes(id));
  expect(ranked).toEqual([...products].sort());
});

it('days are those of TIME_ZONE, today included, and a sale is taken back from the day it was counted under', async () => {
  const product = await makeProduct(operator, { price: 10 });
  const buyer = await world.buyer(1_000_000);
  const order = await placeOrder(buyer, { [product]: 5 });
  const payment = await payOrder(buyer, order.id);
  const of = async (days: number): Promise<number | undefined> => {
    await world.redis.flushall();
    return (await told(days)).find(({ id }) => id === product)?.quantity;
  };
  const { rows } = await world.pool.query(
    `select (paid_on - (clock_timestamp() at time zone $2)::date) as off from shop_order where id = $1`,
    [order.id, TIME_ZONE],
  );
  expect(rows).toEqual([{ off: 0 }]);
  await age(order.id, 2);
  expect([await of(2), await of(3)]).toEqual([undefined, 5]);
  await cancelPayment(operator, payment.id);
  expect(await of(3)).toBeUndefined();
  await untilFolded(world.pool);
  expect(await foldedOf(world.pool, product)).toEqual({ quantity: 0, revenue: 0 });
});

it('they are counted from what was added up by day and what is not yet added, never from orders: the days of many years are found by an index', async () => {
  await world.pool.query(
    `with made as (
       insert into product (id, name, sort_name, description, words, category, price)
       select gen_random_uuid(), 'old ' || n, 'old ' || n, '', '', 'old', 10 from generate_series(1, 50) n returning id
     ) insert into sale (day, product_id, quantity, revenue)
     select current_date - 1000 - n, id, 1, 10 from made cross join generate_series(1, 2000) n`,
  );
  await world.pool.query('vacuum analyze sale');
  await world.redis.flushall();
  await told(366);
  const sent = await sentBy(world.processes[0] as AppProcess, 'row_number()');
  const nodes = await stepsOf(world.pool, { ...sent, values: [TIME_ZONE, 366, 100, []] });
  const relations = nodes.flatMap((node) => node['Relation Name'] ?? []);
  expect([...new Set(relations)].sort()).toEqual(['sale', 'sale_change']);
  const bySale = nodes.filter((node) => node['Index Name'] === 'sale_pkey');
  expect(bySale.map((node) => node['Index Cond'])).toEqual([expect.stringMatching(/day > .* AND .*day <= /)]);
  expect(nodes.filter((node) => node['Node Type'] === 'Seq Scan' && node['Relation Name'] === 'sale')).toEqual([]);
});

it.each(['(days: 0)', '(days: 367)', '(days: -1)', '(first: 0)', '(first: 101)'])(
  'bestSellers%s is BAD_USER_INPUT',
  async (args) => {
    expect(await operator.fail(`{ bestSellers${args} { rank } }`)).toBe('BAD_USER_INPUT');
  },
);
