import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeShow, reserve } from '../support/builders.ts';
import { sentBy, stepsOf } from '../support/plans.ts';
import type { AppProcess } from '../support/process.ts';
import { World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await World.open({ processes: 1, preload: './tell-statements.ts' });
});
afterAll(() => world.close());

it('of a show just made, of whose seats PostgreSQL knows nothing yet, a crowd reads and locks only the seats it wants', async () => {
  await world.pool.query('alter table seat set (autovacuum_enabled = false)');
  const show = await makeShow(await world.operator(), { seatCount: 20_000 });
  const buyers = await world.buyers(60);
  const answers = await Promise.all(
    buyers.map((buyer, index) => reserve(buyer, show.id, [show.seats[index * 300] as string])),
  );
  expect(new Set(answers.map(({ __typename }) => __typename))).toEqual(new Set(['Reservation']));
  for (const part of ['as id from hold', 'from "seat"', 'insert into hold']) {
    const sent = await sentBy(world.processes[0] as AppProcess, part);
    const steps = await stepsOf(world.pool, sent);
    const whole = steps.filter((step) => step['Relation Name'] === 'seat' && step['Node Type'] === 'Seq Scan');
    expect([part, whole]).toEqual([part, []]);
    const indexes = steps.flatMap((step) => step['Index Name'] ?? []).filter((name) => name.startsWith('seat_'));
    expect([part, ...new Set(indexes)]).toEqual([part, ...(indexes.length > 0 ? ['seat_pkey'] : [])]);
  }
});

it('of a show just made, whoever asks for the free seats of a section reads only that section', async () => {
  const sections = Array.from({ length: 50 }, (_none, index) => ({ name: `block ${index}`, seatCount: 400, price: 1 }));
  const show = await makeShow(await world.operator(), { sections });
  const buyer = await world.buyer();
  const free = `query ($id: ID!, $date: LocalDate!) {
    availableSeats(concertId: $id, date: $date, section: "block 7") { number } }`;
  const dates = await buyer.get('query ($id: ID!) { availableDates(concertId: $id) { date } }', { id: show.concertId });
  const { availableSeats } = await buyer.get(free, { id: show.concertId, date: dates.availableDates[0].date });
  expect(availableSeats).toHaveLength(400);
  const sent = await sentBy(world.processes[0] as AppProcess, 'from show sh join seat s');
  const steps = await stepsOf(world.pool, sent);
  const ofSeats = steps.filter((step) => step['Relation Name'] === 'seat');
  expect(ofSeats.map((step) => step['Index Name'])).toEqual(['seat_section']);
  expect(ofSeats[0]?.['Index Cond']).toContain('section');
});

it('whoever holds seats reads of all reservations only those of the user, to know what was released', async () => {
  await world.pool.query(
    `insert into reservation (id, user_id, show_id, seat_ids, seat_prices, status, amount, created_at, expires_at)
     select gen_random_uuid(), r.user_id, r.show_id, r.seat_ids, r.seat_prices, 'RELEASED', r.amount, r.created_at, r.expires_at
     from (select * from reservation limit 50) r cross join generate_series(1, 400)`,
  );
  await world.pool.query('analyze reservation');
  const show = await makeShow(await world.operator(), { seatCount: 10 });
  expect(await reserve(await world.buyer(), show.id, show.seats.slice(0, 2))).toMatchObject({ status: 'HELD' });
  const sent = await sentBy(world.processes[0] as AppProcess, 'as released');
  const steps = await stepsOf(world.pool, sent);
  const indexes = steps.flatMap((step) => step['Index Name'] ?? []).filter((name) => name.startsWith('reservation_'));
  expect(indexes).toEqual(['reservation_user']);
  const conditions = steps
    .filter((step) => step['Index Name'] === 'reservation_user')
    .map((step) => step['Index Cond']);
  expect(conditions, 'and of these only the young ones').toEqual([expect.stringMatching(/user_id = .*id >= /)]);
});
