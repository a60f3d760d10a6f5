import { afterAll, beforeAll, expect, it } from 'vitest';
import { violationsWhile } from '../support/broken-rows.ts';
import { violationsOf } from '../support/builders.ts';
import type { Buyer } from '../support/client.ts';
import { claim, makeCoupon } from '../support/shop.ts';
import { World } from '../support/world.ts';

let world: World;
let operator: Buyer;
let coupon: string;
/** Issued coupons with the serials 1, 2 and 3, of 4. */
let issued: [string, string, string];

beforeAll(async () => {
  world = await World.open({ processes: 1 });
  operator = await world.operator();
  coupon = await makeCoupon(operator, { quantity: 4 });
  const ids: string[] = [];
  for (const buyer of await world.buyers(3)) ids.push((await claim(buyer, coupon)).id);
  issued = ids as [string, string, string];
  // What PostgreSQL itself refuses is to be broken by hand.
  const { rows } = await world.pool.query<{ text: string }>(
    `select format('alter table issued_coupon drop constraint %I', conname) as text from pg_constraint
     where contype in ('c', 'u') and conrelid = 'issued_coupon'::regclass`,
  );
  for (const { text } of rows) await world.pool.query(text);
});
afterAll(() => world.close());

function withSerial(id: string, serial: number): string {
  return `update issued_coupon set serial = ${serial} where id = '${id}'`;
}

function outOfPlace(id: string, serial: number, due: number): string {
  return `issued coupon ${id} out of place: serial ${serial}, not ${due}`;
}

it.each([
  ['past the quantity', 3, 9, { id: 3, serial: 9, due: 3 }],
  ['the last one, within the quantity', 3, 4, { id: 3, serial: 4, due: 3 }],
  ['in the middle', 2, 4, { id: 3, serial: 3, due: 2 }],
  ['the first one', 1, 4, { id: 2, serial: 2, due: 1 }],
  ['of 0', 2, 0, { id: 2, serial: 0, due: 1 }],
])('a serial changed by hand, %s, is found at once and named', async (_which, from, to, { id, serial, due }) => {
  const changed = issued[from - 1] as string;
  const broken = await violationsWhile(world.pool, operator, withSerial(changed, to), withSerial(changed, from));
  const name = outOfPlace(issued[id - 1] as string, serial, due);
  expect(broken).toEqual({ 'coupons-dense': [`coupon ${coupon}: 3 counted, 3 issued of 4, ${name}`] });
});

it('a serial twice is found', async () => {
  const [, second] = issued;
  const broken = await violationsWhile(world.pool, operator, withSerial(second, 1), withSerial(second, 2));
  expect(broken).toEqual({ 'coupons-dense': [expect.stringMatching(/out of place: serial 1, not 2$/)] });
});

it('an issued coupon that was taken out is found, also when its coupon counts one less', async () => {
  const name = outOfPlace(issued[2], 3, 2);
  await world.pool.query(`create table kept as select * from issued_coupon where id = '${issued[1]}'`);
  await world.pool.query(`delete from issued_coupon where id = '${issued[1]}'`);
  expect(await violationsOf(operator)).toEqual({
    'coupons-dense': [`coupon ${coupon}: 3 counted, 2 issued of 4, ${name}`],
  });
  const broken = await violationsWhile(
    world.pool,
    operator,
    `update coupon set issued = 2 where id = '${coupon}'`,
    `insert into issued_coupon select * from kept; update coupon set issued = 3 where id = '${coupon}'`,
  );
  expect(broken).toEqual({ 'coupons-dense': [`coupon ${coupon}: 2 counted, 2 issued of 4, ${name}`] });
});

it('a coupon that counts more, or fewer, than were issued is found', async () => {
  for (const counted of [2, 4]) {
    const broken = await violationsWhile(
      world.pool,
      operator,
      `update coupon set issued = ${counted} where id = '${coupon}'`,
      `update coupon set issued = 3 where id = '${coupon}'`,
    );
    expect(broken).toEqual({ 'coupons-dense': [`coupon ${coupon}: ${counted} counted, 3 issued of 4`] });
  }
});
