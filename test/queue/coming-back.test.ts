import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { queueIdOf } from '../../src/queue/queue-token.ts';
import { enter, eventually, type MadeShow, makeQueue, makeShow } from '../support/builders.ts';
import type { Buyer } from '../support/client.ts';
import {
  follow,
  hears,
  inside,
  leave,
  line,
  look,
  type Place,
  pause,
  positions,
  statsOf,
  until,
  update,
} from '../support/places.ts';
import { areKept, areSeen, elsewhere, passAway } from '../support/presence.ts';
import { World } from '../support/world.ts';

const AWAY_SECONDS = 4;
const LONG_AGO = 3 * AWAY_SECONDS * 1_000;
/** So long after a holder was seen last, a process does not trust its next report to come in time. */
const SILENCE_MS = AWAY_SECONDS * 500 + 300;
const DATES = 'query ($concert: ID!) { availableDates(concertId: $concert) { id } }';

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
});
afterAll(() => world.close());

type Way = [name: string, comeBack: (place: Place, show: MadeShow) => Promise<unknown>];

const ways: Way[] = [
  ['a poll', look],
  ['a poll at the other process', (place) => look(elsewhere(world, place))],
  ['entering again', ({ buyer, value }) => enter(buyer, queueIdOf(value) ?? '')],
  [
    'a subscription that ends at once',
    async (place) => {
      const feed = follow(place);
      await hears(feed, 'status', 'WAITING');
      await feed.close();
    },
  ],
];
const knocking: Way = ['knocking at the gate', (place, show) => inside(place).fail(DATES, { concert: show.concertId })];

/** A show behind a queue with so many places in it whose presence is kept, all known to both processes. */
async function lineOf(count: number, capacity: number): Promise<{ queueId: string; show: MadeShow; places: Place[] }> {
  const queueId = await makeQueue(operator, { capacity: 0, awaySeconds: AWAY_SECONDS });
  const show = await makeShow(operator, {}, queueId);
  const places = await line(await world.buyers(count), queueId);
  await areKept(world, places);
  await update(operator, queueId, { capacity });
  for (const place of places.slice(0, capacity)) await until(place, 'ACTIVE');
  await Promise.all(places.flatMap((place) => [look(place), look(elsewhere(world, place))]));
  return { queueId, show, places };
}

describe('coming back before the turn costs nothing', () => {
  it.each(ways)('%s keeps the place that one had', async (_name, comeBack) => {
    const { queueId, show, places } = await lineOf(3, 0);
    const since = await passAway(world, queueId, LONG_AGO);

    await Promise.all(places.map((place) => comeBack(place, show)));
    await areSeen(world, places, since);

    expect(await positions(places)).toEqual([1, 2, 3]);
    await update(operator, queueId, { capacity: 2 });
    await Promise.all([until(places[0]!, 'ACTIVE'), until(places[1]!, 'ACTIVE')]);
    expect(await look(places[2]!)).toMatchObject({ status: 'WAITING', position: 1 });
    expect(await statsOf(operator, queueId)).toMatchObject({ expired: 0, admitted: 2 });
  });

  it.each([...ways, knocking])('%s counts at once: the very next turn is theirs', async (_name, comeBack) => {
    const { queueId, show, places } = await lineOf(3, 1);
    const [active, back, gone] = places as [Place, Place, Place];
    await pause(SILENCE_MS);
    await passAway(world, queueId, LONG_AGO);

    await comeBack(back, show);
    await leave(active);

    await until(back, 'ACTIVE');
    expect(await statsOf(operator, queueId)).toMatchObject({ admitted: 2, active: 1, expired: 0, waiting: 1 });
    await leave(back);
    await eventually(async () => (await statsOf(operator, queueId)).expired === 1);
    expect(await look(gone)).toMatchObject({ status: 'EXPIRED', endReason: 'AWAY', activatedAt: null });
  });
});
