import { afterAll, beforeAll, expect, it } from 'vitest';
import { charge, eventually, makeQueue, makeShow, pay, reserve } from '../support/builders.ts';
import { World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await World.open({ processes: 1, preload: './count-sql.ts' });
});
afterAll(() => world.close());

it('a mutation of an operator costs one statement more, and what buyers do none', async () => {
  const operator = await world.operator();
  const show = await makeShow(operator);
  const buyer = await world.buyer(1_000);
  const [{ messages }] = world.processes as [(typeof world.processes)[number]];
  const known = messages.length;
  const { id } = await reserve(buyer, show.id, show.seats.slice(0, 1));
  await pay(buyer, id);
  await charge(buyer, 100);
  await makeQueue(operator, { capacity: 1 });
  const sent = (): string[] =>
    messages.slice(known).flatMap(({ type, value }) => (type === 'sql' ? String(value) : []));
  const isOfLog = (text: string): boolean => text.includes('operator_log');
  // Statements are told in their order: when that of the mutation is here, those of the purchase are too.
  await eventually(() => sent().some(isOfLog));
  expect(sent().some((text) => text.includes('insert into ticket'))).toBe(true);
  expect(sent().filter(isOfLog)).toHaveLength(1);
});
