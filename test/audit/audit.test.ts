import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeBreakable, whileBroken } from '../support/broken-rows.ts';
import { violationsOf } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { type Sold, sellSome } from '../support/sold.ts';
import { World } from '../support/world.ts';

const AUDIT = '{ audit { at ok checks { name rule checked violations rows } } }';

let world: World;
let operator: Buyer;
let sold: Sold;
beforeAll(async () => {
  world = await World.open({ processes: 1 });
  operator = await world.operator();
  sold = await sellSome(world, operator);
  await makeBreakable(world.pool);
});
afterAll(() => world.close());

/** What the audit says of rows that one statement has broken. */
function auditAfter(text: string, params: unknown[] = []): Promise<Record<string, string[]>> {
  return whileBroken(world.pool, text, params, () => violationsOf(operator));
}

it('rows as the product leaves them are clean, and every rule says what it looked at', async () => {
  const { audit } = await operator.get(AUDIT);
  expect(audit.ok).toBe(true);
  expect(Math.abs(Date.parse(audit.at) - Date.now())).toBeLessThan(60_000);
  const checked = Object.fromEntries(audit.checks.map(({ name, checked: count }: Data) => [name, count]));
  expect(checked).toMatchObject({
    ...{
      'seats-add-up': 1,
      'seats-once': 10,
      'cancelled-shows-given-back': 0,
      'tickets-paid': 1,
      'holds-reserved': 1,
      'reservations-exact': 3,
    },
    ...{ 'wallets-add-up': 2, 'entries-chained': 6, 'entries-have-cause': 6, 'charges-cancelled-once': 1 },
    ...{ 'payments-for-one': 2, 'payments-posted': 2, 'refunds-add-up': 2, 'refunds-posted': 1 },
    ...{ 'reservation-payments-once': 3, 'reservation-payments-exact': 2 },
  });
  for (const { rule, violations, rows } of audit.checks) {
    expect(rule).toMatch(/^[A-Z].+\.$/);
    expect([violations, rows]).toEqual([0, []]);
  }
});

it('a ticket that was lost is found, by its show, its seat and its reservation', async () => {
  const { show, reservation } = sold;
  const broken = await auditAfter('delete from ticket where reservation_id = $1', [reservation]);
  expect(broken).toEqual({ 'tickets-paid': [`reservation ${reservation}: no ticket for seat ${show.seats[0]}`] });
});

it('a show that was cancelled without giving back what was paid is found, with its holds', async () => {
  const { show } = sold;
  const broken = await auditAfter('update show set cancelled_at = now(), cancel_reason = $2 where id = $1', [
    show.id,
    'rain',
  ]);
  expect(Object.keys(broken)).toEqual(['cancelled-shows-given-back']);
  expect(broken['cancelled-shows-given-back']).toEqual([
    `show ${show.id}: seat ${show.seats[0]} is sold for good`,
    expect.stringMatching(`^show ${show.id}: seat .* is held$`),
  ]);
});

it('a seat sold twice is found', async () => {
  const { show } = sold;
  const broken = await auditAfter(
    'insert into ticket (id, seat_id, reservation_id, show_id, user_id) select gen_random_uuid(), seat_id, reservation_id, show_id, user_id from ticket where show_id = $1',
    [show.id],
  );
  expect(broken).toEqual({
    'seats-add-up': [`show ${show.id}: 8 available, 1 held and 2 sold of 10 seats, given 10`],
    'seats-once': [`seat ${show.seats[0]}: 2 tickets, 0 live holds`],
  });
});

it('a sold seat that is held, a seat held twice, and a show with another number of seats are found', async () => {
  const { show, held } = sold;
  const again =
    'insert into hold (seat_id, reservation_id, show_id, user_id, expires_at) select $2, reservation_id, show_id, user_id, expires_at from hold where show_id = $1';
  expect(await auditAfter(again, [show.id, show.seats[0]])).toEqual({
    'seats-add-up': [expect.stringContaining(`show ${show.id}: 8 available, 2 held and 1 sold`)],
    'seats-once': [`seat ${show.seats[0]}: 1 tickets, 1 live holds`],
    'holds-reserved': [`hold on seat ${show.seats[0]}: not as reservation ${held} has it`],
  });
  expect(await auditAfter(again, [show.id, show.seats[2]])).toMatchObject({
    'seats-once': [`seat ${show.seats[2]}: 0 tickets, 2 live holds`],
  });
  expect(await auditAfter('update show set seat_count = 11 where id = $1', [show.id])).toEqual({
    'seats-add-up': [`show ${show.id}: 8 available, 1 held and 1 sold of 10 seats, given 11`],
  });
  expect(await auditAfter('delete from seat where show_id = $1 and number = 9', [show.id])).toEqual({
    'seats-add-up': [`show ${show.id}: 7 available, 1 held and 1 sold of 9 seats, given 10`],
  });
  expect(await auditAfter('delete from seat where id = $1', [show.seats[0]])).toEqual({
    'seats-add-up': [`show ${show.id}: 8 available, 1 held and 1 sold of 9 seats, given 10`],
    'reservations-exact': [expect.stringContaining(sold.reservation)],
  });
});

it('a ticket that nobody has paid for is found', async () => {
  const { show, reservation } = sold;
  const broken = await auditAfter(`update reservation set status = 'EXPIRED' where id = $1`, [reservation]);
  expect(broken['tickets-paid']?.[0]).toMatch(`not of a CONFIRMED reservation of seat ${show.seats[0]}`);
  expect(broken['reservation-payments-once']).toEqual([
    `reservation ${reservation}: EXPIRED with 1 COMPLETED and 0 CANCELLED payments`,
  ]);
});

it.each<[string, string, ('hold' | 'reservation')[]]>([
  ['a hold that is gone', 'delete from hold where reservation_id = $1', ['reservation']],
  ['a hold that outlives its reservation', `update reservation set status = 'RELEASED' where id = $1`, ['hold']],
  [
    'a hold that lasts longer than its reservation',
    `update hold set expires_at = expires_at + interval '10 years' where reservation_id = $1`,
    ['hold', 'reservation'],
  ],
  [
    'a hold that has lapsed before its reservation',
    `update hold set expires_at = clock_timestamp() - interval '1 second' where reservation_id = $1`,
    ['reservation'],
  ],
  [
    'a reservation that has lapsed before its hold',
    `update reservation set expires_at = clock_timestamp() - interval '1 second' where id = $1`,
    ['hold'],
  ],
  [
    `a hold of somebody else`,
    `update hold set user_id = (select id from user_account where role = 'OPERATOR') where reservation_id = $1`,
    ['hold', 'reservation'],
  ],
  [
    'a hold of no reservation',
    'update hold set reservation_id = gen_random_uuid() where reservation_id = $1',
    ['hold', 'reservation'],
  ],
  [
    'a hold of another show',
    'update hold set show_id = gen_random_uuid() where reservation_id = $1',
    ['hold', 'reservation'],
  ],
])('%s is found, by its seat and its reservation', async (_what, text, sides) => {
  const { held, show } = sold;
  const [seat] = show.seats.slice(2);
  const found = (await auditAfter(text, [held]))['holds-reserved'];
  const said = {
    hold: `hold on seat ${seat}: not as reservation `,
    reservation: `reservation ${held}: seat ${seat} is not held as it has it`,
  };
  expect(found).toEqual(sides.map((side) => expect.stringContaining(said[side])));
});

it('a second live reservation of a held seat, and one of a sold seat, are found', async () => {
  const { held, show } = sold;
  const again = `insert into reservation (id, user_id, show_id, seat_ids, seat_prices, status, amount, expires_at)
    select gen_random_uuid(), user_id, show_id, array[$2::uuid], array[amount], status, amount, expires_at from reservation where id = $1`;
  for (const seat of [show.seats[2], show.seats[0]]) {
    const found = await auditAfter(again, [held, seat]);
    expect(found).toEqual({ 'holds-reserved': [expect.stringContaining(`: seat ${seat} is not held as it has it`)] });
    expect(found['holds-reserved']?.[0]).not.toContain(held);
  }
});

it.each([
  ['user_id', `(select id from user_account where role = 'OPERATOR')`],
  ['show_id', 'gen_random_uuid()'],
])('a ticket with another %s than its reservation is found', async (column, value) => {
  const found = await auditAfter(`update ticket set ${column} = ${value} where reservation_id = $1`, [
    sold.reservation,
  ]);
  expect(found['tickets-paid']).toEqual([
    `reservation ${sold.reservation}: no ticket for seat ${sold.show.seats[0]}`,
    expect.stringContaining(`not of a CONFIRMED reservation of seat ${sold.show.seats[0]}`),
  ]);
});

it.each([
  ['costs more than its seats', 'amount = amount + 1', '1001 for 1 seats, 1 of its show, at 1000'],
  ['costs nothing', 'amount = 0', '0 for 1 seats, 1 of its show, at 1000'],
  ['costs less than nothing', 'amount = -1000', '-1000 for 1 seats, 1 of its show, at 1000'],
  [
    'names a seat twice',
    'seat_ids = seat_ids || seat_ids, seat_prices = seat_prices || seat_prices, amount = 2000',
    '2000 for 2 seats, 1 of its show, at 1000 + 1000',
  ],
  ['has a seat at another price', 'seat_prices = array[999]', '1000 for 1 seats, 1 of its show, at 999'],
  ['has no price of its seat', `seat_prices = '{}'`, '1000 for 1 seats, 1 of its show, at '],
  ['names a seat that is none', 'seat_ids = array[gen_random_uuid()]', '1000 for 1 seats, 0 of its show, at 1000'],
  ['names no seat', `seat_ids = '{}', seat_prices = '{}', amount = 0`, '0 for 0 seats, 0 of its show, at '],
  ['names the seat of another show', 'show_id = gen_random_uuid()', '1000 for 1 seats, 0 of its show, at 1000'],
])('a reservation that %s is found', async (_what, change, said) => {
  for (const id of [sold.held, sold.reservation]) {
    const found = await auditAfter(`update reservation set ${change} where id = $1`, [id]);
    expect(found['reservations-exact']).toEqual([`reservation ${id}: ${said}`]);
  }
});
