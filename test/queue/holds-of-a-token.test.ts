import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MadeShow, makeQueue, makeShow, reserve } from '../support/builders.ts';
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
  runOut,
  setEnds,
  until,
} from '../support/places.ts';
import { World } from '../support/world.ts';

const HOLD_MS = 200_000;
const MAP = 'query ($show: ID!) { seatMap(showId: $show) { number status } }';
const CHANGES = 'subscription ($show: ID!) { seatChanges(showId: $show) { seats { number status } } }';
const RESERVATION = 'query ($id: ID!) { reservation(id: $id) { status } }';

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open({ env: { HOLD_SECONDS: String(HOLD_MS / 1_000) } });
  operator = await world.operator();
});
afterAll(() => world.close());

/** Numbers of the seats that are not AVAILABLE. */
async function taken(show: MadeShow): Promise<number[]> {
  const { seatMap } = await operator.get(MAP, { show: show.id });
  const gone = seatMap.filter(({ status }: { status: string }) => status !== 'AVAILABLE');
  return gone.map(({ number }: { number: number }) => number);
}

describe.each([1, 2])('with %i processes', (processes) => {
  /** A show behind a queue, with `count` ACTIVE places at different processes. */
  async function admitted(count: number, activeSeconds: number): Promise<{ show: MadeShow; places: Place[] }> {
    const queueId = await makeQueue(operator, { capacity: count, activeSeconds });
    const show = await makeShow(operator, {}, queueId);
    const all = await world.buyers(count);
    const places = await line(
      all.map((buyer, index) => buyer.at(world.urls[index % processes] as string)),
      queueId,
    );
    await Promise.all(places.map((place) => until(place, 'ACTIVE')));
    return { show, places };
  }

  it('a reserve that races with leaving holds no seat afterwards, whichever comes first', async () => {
    const { show, places } = await admitted(20, 300);
    const query = 'mutation ($input: ReserveInput!) { reserve(input: $input) { __typename } }';
    const races = places.map(async (place, index) => {
      const input = { showId: show.id, seatIds: [show.seats[index] as string] };
      const [answer] = await Promise.all([inside(place).ask(query, { input }), leave(place)]);
      return answer.errors?.[0]?.extensions.code ?? answer.data.reserve.__typename;
    });
    for (const outcome of await Promise.all(races)) expect(['Reservation', 'QUEUE_TOKEN_REQUIRED']).toContain(outcome);
    expect(await taken(show)).toEqual([]);
  });

  it("leaving releases the token's holds at once and tells those who watch, and nobody else's hold is touched", async () => {
    const { show, places } = await admitted(2, 300);
    const [leaver, other] = places as [Place, Place];
    const mine = [
      await reserve(inside(leaver), show.id, show.seats.slice(0, 2)),
      await reserve(inside(leaver), show.id, show.seats.slice(2, 3)),
    ];
    const theirs = await reserve(inside(other), show.id, show.seats.slice(3, 4));
    const changes = inside(other).watch(CHANGES, { show: show.id });
    expect(await taken(show)).toEqual([1, 2, 3, 4]);
    await pause(300);

    await leave(leaver);

    expect(await taken(show)).toEqual([4]);
    for (const { id } of mine) {
      expect(await leaver.buyer.get(RESERVATION, { id })).toEqual({ reservation: { status: 'RELEASED' } });
    }
    expect(await other.buyer.get(RESERVATION, { id: theirs.id })).toEqual({ reservation: { status: 'HELD' } });
    expect(await look(other)).toMatchObject({ status: 'ACTIVE' });
    expect(await reserve(inside(other), show.id, show.seats.slice(0, 1))).toMatchObject({ status: 'HELD' });
    await changes.until(({ seatChanges }) => seatChanges.seats.at(-1)?.status === 'HELD');
    const told = changes.events.flatMap(({ seatChanges }) => seatChanges.seats);
    const freed = told.filter(({ status }) => status === 'AVAILABLE').map(({ number }) => number);
    expect(freed.toSorted()).toEqual([1, 2, 3]);
    expect(told.some(({ number }) => number === 4)).toBe(false);
    await changes.close();
  });

  it('a reserve stretches activeUntil to the end of the hold, and the subscription says so', async () => {
    const { show, places } = await admitted(1, 20);
    const [place] = places as [Place];
    const before = await look(place);
    const feed = follow(place);
    await hears(feed, 'activeUntil', before.activeUntil);

    const { expiresAt } = await reserve(inside(place), show.id, show.seats.slice(0, 1));

    const after = await look(place);
    expect(Date.parse(after.activeUntil)).toBeGreaterThanOrEqual(Date.parse(expiresAt));
    expect(Date.parse(after.activeUntil)).toBeLessThan(Date.parse(expiresAt) + 3_000);
    expect(after).toMatchObject({ activatedAt: before.activatedAt, status: 'ACTIVE' });
    await hears(feed, 'activeUntil', after.activeUntil);
    await feed.close();
  });

  it('a reserve never shortens activeUntil', async () => {
    const { show, places } = await admitted(1, 3_600);
    const [place] = places as [Place];
    const before = await look(place);

    expect(await reserve(inside(place), show.id, show.seats.slice(0, 1))).toMatchObject({ status: 'HELD' });

    expect(await look(place)).toMatchObject({ status: 'ACTIVE', activeUntil: before.activeUntil });
  });

  it('however often one reserves, activeUntil is at most HOLD_SECONDS past its first end', async () => {
    const { show, places } = await admitted(1, 20);
    const [place] = places as [Place];
    const now = Date.now();
    await setEnds(world, place, { until: now + 10_000, first: now - HOLD_MS + 60_000 });

    for (const seat of show.seats.slice(0, 3)) {
      expect(await reserve(inside(place), show.id, [seat])).toMatchObject({ status: 'HELD' });
      expect(Date.parse((await look(place)).activeUntil)).toBe(now + 60_000);
    }
  });

  it('a token that runs out keeps its holds to their own end, and opens nothing any more', async () => {
    const { show, places } = await admitted(1, 300);
    const [place] = places as [Place];
    const { id } = await reserve(inside(place), show.id, show.seats.slice(0, 1));

    await runOut(world, [place]);

    await until(place, 'EXPIRED');
    expect(await place.buyer.get(RESERVATION, { id })).toEqual({ reservation: { status: 'HELD' } });
    expect(await taken(show)).toEqual([1]);
    expect(await inside(place).fail(MAP, { show: show.id })).toBe('QUEUE_TOKEN_REQUIRED');
    await leave(place);
    expect(await taken(show)).toEqual([1]);
  });
});
