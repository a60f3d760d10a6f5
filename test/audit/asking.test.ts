import { afterAll, beforeAll, expect, it } from 'vitest';
import { charge } from '../support/builders.ts';
import type { Buyer } from '../support/client.ts';
import { inTime } from '../support/in-time.ts';
import { pause } from '../support/places.ts';
import { runAudit } from '../support/run-audit.ts';
import { World } from '../support/world.ts';

const AUDIT = '{ audit { ok } }';

let world: World;
let operator: Buyer;
let buyer: Buyer;
beforeAll(async () => {
  world = await World.open({ processes: 1 });
  operator = await world.operator();
  buyer = await world.buyer(1_000);
});
afterAll(() => world.close());

it('npm run audit says the same: one line a rule, the rows that break it, and an exit code', async () => {
  const clean = runAudit(world.database.url);
  expect(clean).toMatchObject({ status: 0, stderr: '' });
  expect(clean.stdout).toMatch(/^ok {5}wallets-add-up: 2 checked, 0 violations\. /m);
  expect(clean.stdout).toMatch(/^Clean at \d{4}-/m);
  await world.pool.query('update wallet set balance = balance + 1 where user_id = $1', [buyer.id]);
  const broken = runAudit(world.database.url);
  await world.pool.query('update wallet set balance = balance - 1 where user_id = $1', [buyer.id]);
  expect(broken.status).toBe(1);
  expect(broken.stdout).toMatch(/^BROKEN wallets-add-up: 2 checked, 1 violations\. /m);
  expect(broken.stdout).toMatch(new RegExp(`^ +wallet ${buyer.id}: balance`, 'm'));
  expect(broken.stdout).toMatch(/^NOT CLEAN at/m);
  const away = runAudit('postgres://u:p@127.0.0.1:1/x');
  expect(away.status).toBe(2);
  expect(away.stderr).toMatch(/^The audit could not be run: .*ECONNREFUSED/);
});

it('an audit that takes longer than other requests may is answered all the same, and keeps nobody waiting', async () => {
  const rival = await world.pool.connect();
  await rival.query('begin');
  await rival.query('lock table ticket in access exclusive mode');
  const audits = Promise.all(Array.from({ length: 20 }, () => operator.get(AUDIT)));
  for (const until = Date.now() + 5_500; Date.now() < until; await pause(100))
    await inTime(() => charge(buyer.hasty(), 1));
  await rival.query('commit');
  rival.release();
  expect((await audits).map(({ audit }) => audit.ok)).toEqual(Array(20).fill(true));
});

it('only an operator may ask', async () => {
  expect(await buyer.fail(AUDIT)).toBe('FORBIDDEN');
});
