import { afterAll, beforeAll, expect, it } from 'vitest';
import { post } from '../support/client.ts';
import { sentBy, stepsOf } from '../support/plans.ts';
import type { AppProcess } from '../support/process.ts';
import { makeCoupon } from '../support/shop.ts';
import { World } from '../support/world.ts';

let world: World;
let process: AppProcess;
beforeAll(async () => {
  world = await World.open({ processes: 1, preload: './tell-statements.ts' });
  process = world.processes[0] as AppProcess;
});
afterAll(() => world.close());

it('among 50,000 coupons that ended the ones that can be claimed are found by the index of their ends', async () => {
  const open = await makeCoupon(await world.operator());
  await world.pool.query(
    `insert into coupon (id, name, discount_kind, value, minimum_subtotal, quantity, issued, version, starts_at, ends_at)
     select gen_random_uuid(), 'ended', 'FIXED', 1, 0, 10, 0, 1, '2020-01-01', timestamptz '2020-01-02' + n * interval '1 minute'
     from generate_series(1, 50000) n`,
  );
  await world.pool.query('vacuum analyze coupon');
  const { data } = await post(process.url, '{ coupons { edges { node { id } } } }');
  expect(data.coupons.edges).toEqual([{ node: { id: open } }]);
  const steps = await stepsOf(world.pool, await sentBy(process, '"ends_at" >'));
  expect(steps.flatMap((step) => step['Index Name'] ?? [])).toEqual(['coupon_ends']);
});
