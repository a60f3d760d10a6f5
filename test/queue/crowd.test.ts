import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, makeQueue } from '../support/builders.ts';
import type { Buyer, Data, Feed } from '../support/client.ts';
import { activeIn, follow, leave, line, look, type Place, runOut, statsOf, until } from '../support/places.ts';
import { randomFrom } from '../support/random.ts';
import { World } from '../support/world.ts';

const CAPACITY = 4;
const ROUNDS = 8;
const WATCHED = 30;

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
});
afterAll(() => world.close());

/** A place, as it is followed at every process. */
interface Followed extends Place {
  readonly feeds: Feed[];
}

/** A crowd in one queue, and where each should be by naive counting: those live, in the order of their entries. */
class Crowd {
  readonly queueId: string;
  readonly ended: Followed[] = [];
  readonly #urls: string[];
  live: Followed[] = [];

  constructor(queueId: string, urls: string[]) {
    this.queueId = queueId;
    this.#urls = urls;
  }

  get active(): Followed[] {
    return this.live.slice(0, CAPACITY);
  }

  async enter(buyers: Buyer[]): Promise<void> {
    for (const place of await line(buyers, this.queueId)) {
      const feeds = this.#urls.map((url) => follow({ ...place, buyer: place.buyer.at(url) }));
      this.live.push({ ...place, feeds });
    }
  }

  take(index: number): Followed {
    const [place] = this.live.splice(index, 1) as [Followed];
    this.ended.push(place);
    return place;
  }

  /** Waits until the ticks have caught up, then expects every answer to be what counting says. */
  async check(): Promise<void> {
    const active = Math.min(CAPACITY, this.live.length);
    await eventually(async () => (await activeIn(world, this.queueId)) === active);
    const last = this.live[active - 1];
    if (last) await until(last, 'ACTIVE');
    for (const [index, place] of this.live.entries()) {
      const wanted = index < CAPACITY ? null : index - CAPACITY + 1;
      const status = wanted === null ? 'ACTIVE' : 'WAITING';
      for (const url of this.#urls) {
        await eventually(async () => {
          const poll = await look({ ...place, buyer: place.buyer.at(url) });
          return poll.status === status && poll.position === wanted;
        });
      }
      for (const feed of place.feeds) await feed.until(isAt(feed, status, wanted));
    }
  }
}

/** Whether an event is the feed's latest and tells of that place. */
function isAt(feed: Feed, status: string, position: number | null): (event: Data) => boolean {
  return (event) =>
    event === feed.events.at(-1) && event.queuePosition.status === status && event.queuePosition.position === position;
}

describe.each([1, 2])('with %i processes', (processes) => {
  it('through rounds of entering, leaving and running out, polls and subscriptions place everybody as counting does', async () => {
    const random = randomFrom(processes);
    const urls = world.urls.slice(0, processes);
    const buyers = (await world.buyers(WATCHED)).map((buyer, i) => buyer.at(urls[i % processes] as string));
    const crowd = new Crowd(await makeQueue(operator, { capacity: CAPACITY }), urls);
    await crowd.enter(buyers.splice(0, 14));
    await crowd.check();

    for (let round = 0; round < ROUNDS; round++) {
      await crowd.enter(buyers.splice(0, 2));
      const late = crowd.active.filter(() => random(4) === 0);
      await runOut(world, late);
      for (const place of late) crowd.take(crowd.live.indexOf(place));
      for (let i = random(3); i >= 0; i--) await leave(crowd.take(random(crowd.live.length)));
      await crowd.check();
    }

    expect(crowd.ended.length).toBeGreaterThan(ROUNDS);
    for (const { feeds } of crowd.ended) {
      for (const feed of feeds) {
        expect(await feed.ended).toBeUndefined();
        expect(['LEFT', 'EXPIRED']).toContain(feed.events.at(-1).queuePosition.status);
      }
    }
    const told = crowd.live.flatMap(({ feeds }) => feeds.map(({ events }) => events));
    for (const events of told) {
      const positions = events.map(({ queuePosition }) => queuePosition.position ?? 0);
      expect(positions).toEqual(positions.toSorted((a, b) => b - a));
    }
    const { entered, left, expired, waiting, active } = await statsOf(operator, crowd.queueId);
    expect(left + expired).toBe(crowd.ended.length);
    expect(waiting + active).toBe(crowd.live.length);
    expect(entered).toBe(crowd.live.length + crowd.ended.length);
    await Promise.all(crowd.live.flatMap(({ feeds }) => feeds.map((feed) => feed.close())));
  });
});
