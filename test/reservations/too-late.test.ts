import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeShow } from '../support/builders.ts';
import type { Buyer } from '../support/client.ts';
import { World } from '../support/world.ts';

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open({ processes: 1, preload: './slow-look.ts' });
  operator = await world.operator();
});
afterAll(() => world.close());

const RESERVE = `mutation ($input: ReserveInput!) { reserve(input: $input) {
  __typename ... on Reservation { id } ... on Problem { code } } }`;

it('whoever was told that it takes too long holds nothing afterwards', async () => {
  const { id, seats } = await makeShow(operator);
  const buyer = await world.buyer();
  const { errors } = await buyer.ask(RESERVE, { input: { showId: id, seatIds: [seats[0]] } });
  expect(errors?.[0]?.extensions.code).toBe('SERVICE_UNAVAILABLE');
  // The command is decided a moment after its caller was told.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect((await world.pool.query('select from hold where show_id = $1', [id])).rowCount).toBe(0);
  expect((await world.pool.query('select from reservation where show_id = $1', [id])).rowCount).toBe(0);
});
