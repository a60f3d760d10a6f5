import { afterAll, beforeAll, expect, it } from 'vitest';
import { sentBy, stepsOf } from '../support/plans.ts';
import type { AppProcess } from '../support/process.ts';
import { makeProduct, placeOrder } from '../support/shop.ts';
import { World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await World.open({ processes: 1, preload: './tell-statements.ts' });
});
afterAll(() => world.close());

it.each([
  ['when hardly anything is unpaid', 'CANCELLED'],
  ['when a crowd has not paid yet', 'PLACED'],
])('a crowd that orders reads each one’s own orders alone, %s', async (_when, status) => {
  await world.pool.query('delete from shop_order where memo = $1', ['of the crowd']);
  await world.pool.query(
    `with crowd as (
       insert into user_account (id, name, role) select gen_random_uuid(), 'one ' || gen_random_uuid(), 'BUYER'
       from generate_series(1, 2000) returning id
     ) insert into shop_order (id, user_id, status, subtotal, discount, total, memo, pay_by)
     select gen_random_uuid(), id, 'PLACED', 0, 0, 0, 'of the crowd', clock_timestamp() + interval '1 hour'
     from crowd cross join generate_series(1, 5)`,
  );
  await world.pool.query(`update shop_order set status = $1 where memo = 'of the crowd' and status <> $1`, [status]);
  await world.pool.query('vacuum analyze shop_order');
  const product = await makeProduct(await world.operator(), { maxPerUser: 50 });
  const buyers = await world.buyers(40);
  await Promise.all(buyers.map((buyer) => placeOrder(buyer, { [product]: 1 })));

  for (const [part, index] of [
    ['as orders,', 'shop_order_unpaid'],
    ['from unnest($1::uuid[]) as u (user_id) cross join', 'shop_order_user'],
  ] as const) {
    const steps = await stepsOf(world.pool, await sentBy(world.processes[0] as AppProcess, part));
    const indexes = steps.flatMap((step) => step['Index Name'] ?? []).filter((name) => name.startsWith('shop_order_'));
    expect([part, indexes]).toEqual([part, [index]]);
    expect(steps.filter((step) => step['Node Type'] === 'Seq Scan' && step['Relation Name'] === 'shop_order')).toEqual(
      [],
    );
  }
});
