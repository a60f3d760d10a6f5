import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type MadeShow, makeShow } from '../support/builders.ts';
import type { Answer, Buyer, Data } from '../support/client.ts';
import { whileLocked } from '../support/while-locked.ts';
import { World } from '../support/world.ts';

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open({ processes: 1 });
  operator = await world.operator();
});
afterAll(() => world.close());

const RESERVE = `mutation ($input: ReserveInput!) { reserve(input: $input) {
  __typename ... on Reservation { id } ... on Problem { code } } }`;

const ask = (buyer: Buyer, { id, seats }: MadeShow, ...numbers: number[]): Promise<Answer> =>
  buyer.ask(RESERVE, { input: { showId: id, seatIds: numbers.map((number) => seats[number - 1]) } });

async function heldSeats({ id, seats }: MadeShow): Promise<number[]> {
  const { rows } = await world.pool.query<{ seat: string }>('select seat_id as seat from hold where show_id = $1', [
    id,
  ]);
  return rows.map(({ seat }) => seats.indexOf(seat) + 1).sort((a, b) => a - b);
}

it('what was held with others stays held, is answered and is told, whatever becomes of those who came too late', async () => {
  const { url } = await world.startProcess({}, './fail-late-look.ts');
  const show = await makeShow(operator);
  const buyers = (await world.buyers(4)).map((buyer) => buyer.at(url));
  const feed = operator
    .at(url)
    .watch('subscription ($id: ID!) { seatChanges(showId: $id) { seats { id status } } }', { id: show.id });
  await sleep(300);
  // While the first is held up at what is sold, the others gather for the next batch.
  const asking = await whileLocked(world.pool, { text: 'lock table ticket in access exclusive mode' }, async () => {
    const wishes = [[1], [2], [3], [2]].map((numbers, index) => ask(buyers[index] as Buyer, show, ...numbers));
    await sleep(500);
    return wishes;
  });
  const [first, second, third, rival] = (await Promise.all(asking)) as [Answer, Answer, Answer, Answer];
  for (const { data } of [first, third]) expect(data.reserve.__typename).toBe('Reservation');
  const decided = [second, rival].filter(({ data }) => data?.reserve.__typename === 'Reservation');
  const failed = [second, rival].flatMap(({ errors }) => errors?.map(({ extensions }) => extensions.code) ?? []);
  expect([decided.length, failed]).toEqual([1, ['INTERNAL_SERVER_ERROR']]);
  expect(await heldSeats(show)).toEqual([1, 2, 3]);
  for (const id of show.seats.slice(0, 3)) {
    await feed.until(({ seatChanges: { seats } }) =>
      seats?.some((seat: Data) => seat.id === id && seat.status === 'HELD'),
    );
  }
  await feed.close();
});

it('whoever was told that it takes too long holds nothing afterwards', async () => {
  const { url } = await world.startProcess({}, './slow-look.ts');
  const show = await makeShow(operator);
  const [first, late, next] = (await world.buyers(3)).map((buyer) => buyer.at(url)) as [Buyer, Buyer, Buyer];
  const begun = ask(first, show, 1);
  await sleep(1_000);
  expect((await ask(late, show, 2)).errors?.[0]?.extensions.code).toBe('SERVICE_UNAVAILABLE');
  // Their wish is behind the late one in line: when they are answered, that one is done with.
  await Promise.all([begun, ask(next, show, 3)]);
  expect(await heldSeats(show)).not.toContain(2);
});
