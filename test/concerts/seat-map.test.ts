import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeShow, reserve } from '../support/builders.ts';
import { type Buyer, type Data, post } from '../support/client.ts';
import { slowestWhile } from '../support/probe.ts';
import { World } from '../support/world.ts';

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open({ processes: 1, preload: './count-sql.ts' });
  operator = await world.operator();
});
afterAll(() => world.close());

const MAP = 'query ($show: ID!) { seatMap(showId: $show) { id number label section price status revision } }';

/** How many statements `work` made the process send that `wanted` matches. */
async function statements(wanted: RegExp, work: () => Promise<unknown>): Promise<number> {
  const [{ messages }] = world.processes as [World['processes'][number]];
  const before = messages.length;
  await work();
  // What was sent is told over a channel of its own, which may be behind the answers.
  await sleep(100);
  return messages.slice(before).filter(({ type, value }) => type === 'sql' && wanted.test(String(value))).length;
}

it('a map of 5,000 seats asked 50 times at once costs far fewer queries, and others are served meanwhile', async () => {
  const show = await makeShow(operator, { seatCount: 5_000, seatsPerRow: 100 });
  const url = world.urls[0] as string;
  const maps: Data[] = [];
  let slowestMs = 0;
  const queries = await statements(/from seat s left join hold/, async () => {
    slowestMs = await slowestWhile(url, async () => {
      maps.push(...(await Promise.all(Array.from({ length: 50 }, () => post(url, MAP, { show: show.id })))));
    });
  });
  expect(maps.map(({ data }) => data.seatMap.length)).toEqual(Array.from({ length: 50 }, () => 5_000));
  expect(queries).toBeLessThanOrEqual(30);
  // A person notices a second; with threefold slack for a busy machine, nobody waited that long meanwhile.
  expect(slowestMs).toBeLessThan(3_000);
});

it('who asks after a change never gets a map from before it, however many are asking', async () => {
  const show = await makeShow(operator, { seatCount: 2_000 });
  const buyer = await world.buyer();
  let asking = true;
  const crowd = Array.from({ length: 5 }, async () => {
    while (asking) await post(buyer.url, MAP, { show: show.id });
  });
  for (const seat of show.seats.slice(0, 8)) {
    await reserve(buyer, show.id, [seat]);
    const { seatMap } = await buyer.get(MAP, { show: show.id });
    expect(seatMap.find(({ id }: Data) => id === seat).status).toBe('HELD');
  }
  asking = false;
  await Promise.all(crowd);
});

it('free seats of one section asked 50 times at once cost far fewer queries, and are never from before a change', async () => {
  const sections = [
    { name: 'Floor', seatCount: 40, price: 9 },
    { name: 'Balcony', seatCount: 500, price: 5 },
  ];
  const show = await makeShow(operator, { sections });
  const buyer = await world.buyer();
  const [{ date }] = (
    await buyer.get('query ($id: ID!) { concert(id: $id) { shows { date } } }', { id: show.concertId })
  ).concert.shows;
  const free =
    'query ($id: ID!, $date: LocalDate!) { availableSeats(concertId: $id, date: $date, section: "Floor") { id } }';
  const look = (): Promise<Data> => buyer.get(free, { id: show.concertId, date });
  const answers: Data[] = [];
  const queries = await statements(/from show sh join seat s/, async () => {
    answers.push(...(await Promise.all(Array.from({ length: 50 }, look))));
  });
  expect(answers.map(({ availableSeats }) => availableSeats.length)).toEqual(Array.from({ length: 50 }, () => 40));
  expect(queries).toBeLessThanOrEqual(30);
  for (const [index, seat] of show.seats.slice(0, 8).entries()) {
    const crowd = Promise.all(Array.from({ length: 10 }, look));
    await reserve(buyer, show.id, [seat]);
    const { availableSeats } = await look();
    expect(availableSeats.map(({ id }: Data) => id)).toEqual(show.seats.slice(index + 1, 40));
    await crowd;
  }
});

it('a map is the same whether it is written at once or executed field by field', async () => {
  const show = await makeShow(operator, {
    sections: [
      { name: 'ㄱ "quoted" \\ section', seatCount: 3, price: 7 },
      { name: 'b', seatCount: 1, price: 0 },
    ],
  });
  const fields = '__typename id showId nr: number label section price status revision';
  const plain = `query ($show: ID!, $first: Int = 3) { map: seatMap(showId: $show, first: $first, afterNumber: 1) { ${fields} } }`;
  const executed = plain.replace('{ map:', '{ settings { currency } map:');
  const [one, other] = [await operator.get(plain, { show: show.id }), await operator.get(executed, { show: show.id })];
  expect(one.map).toEqual(other.map);
  expect(one.map.map(({ nr }: Data) => nr)).toEqual([2, 3, 4]);
  expect(one.map[0]).toMatchObject({ __typename: 'Seat', label: 'ㄱ "quoted" \\ section-A2' });
});

it('errors of a map are those of every field', async () => {
  const { errors } = await operator.ask(MAP, { show: 'no id' });
  expect(errors).toMatchObject([{ path: ['seatMap'], extensions: { code: 'BAD_USER_INPUT' } }]);
  expect(await operator.fail(MAP, { show: '01890000-0000-7000-8000-000000000000' })).toBe('NOT_FOUND');
  expect(await operator.fail(MAP, {})).toBe('BAD_USER_INPUT');
});

it('a page of concerts with queues, dates and counts costs four statements, however many there are', async () => {
  const page = `{ concerts(first: 50) { edges { node { id title queue { id name }
    shows { id date seatCount availableCount concert { title } } } } } }`;
  // What jobs ask at the same moment is counted too: the least of several tries is what the page asks.
  const least = async (): Promise<number> => {
    const counts: number[] = [];
    for (let i = 0; i < 5; i++) counts.push(await statements(/concert|show|queue/, () => post(operator.url, page)));
    return Math.min(...counts);
  };
  const few = await least();
  for (let i = 0; i < 5; i++) {
    const { concertId } = await makeShow(operator);
    await makeShow(operator, { concertId });
  }
  const many = await least();
  expect(many).toBeLessThanOrEqual(4);
  expect(many).toBeGreaterThanOrEqual(few - 1);
});
