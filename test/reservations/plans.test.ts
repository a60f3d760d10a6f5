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
