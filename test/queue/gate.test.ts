import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hashOf, newSecret, tokenValueOf } from '../../src/queue/queue-token.ts';
import { admit, enter, eventually, type MadeShow, makeQueue, makeShow } from '../support/builders.ts';
import type { Buyer, GraphqlError } from '../support/client.ts';
import { post } from '../support/client.ts';
import { inside, leave, line, pause, refusalOf, runOut, until, update } from '../support/places.ts';
import { World } from '../support/world.ts';

const DATES = 'query ($concert: ID!) { availableDates(concertId: $concert) { id date } }';
const FREE = 'query ($concert: ID!, $date: LocalDate!) { availableSeats(concertId: $concert, date: $date) { id } }';
const MAP = 'query ($show: ID!) { seatMap(showId: $show) { id status } }';
const QUERIES = [DATES, FREE, MAP];
const MUTATIONS = [
  `mutation ($show: ID!, $seat: ID!) { reserve(input: { showId: $show, seatIds: [$seat] }) { __typename } }`,
  `mutation ($show: ID!) { reserveBest(input: { showId: $show, count: 1 }) { __typename } }`,
];
const CHANGES = 'subscription ($show: ID!) { seatChanges(showId: $show) { resync seats { id status } } }';

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
});
afterAll(() => world.close());

/** What each @queued field answers `buyer`: undefined where it lets through. */
async function tryAll(buyer: Buyer, show: MadeShow, queries = QUERIES, mutations = MUTATIONS) {
  const all = { concert: show.concertId, show: show.id, seat: show.seats[0], date: '2026-07-04' };
  const errors: (GraphqlError | undefined)[] = [];
  for (const query of [...queries, ...mutations]) {
    const named = Object.entries(all).filter(([name]) => query.includes(`$${name}`));
    errors.push((await buyer.ask(query, Object.fromEntries(named))).errors?.[0]);
  }
  return errors;
}

/** Expects every @queued field to be shut, the subscription included, and no seat to be touched. */
async function expectShut(buyer: Buyer, show: MadeShow, state = 'OPEN'): Promise<void> {
  const feed = buyer.watch(CHANGES, { show: show.id });
  const errors = [...(await tryAll(buyer, show)), await refusalOf(feed)];
  expect(errors).toHaveLength(6);
  for (const error of errors) {
    expect(error?.extensions).toMatchObject({ code: 'QUEUE_TOKEN_REQUIRED', queue: { id: show.queueId, state } });
  }
  const { rowCount } = await world.pool.query('select 1 from hold where show_id = $1', [show.id]);
  expect(rowCount).toBe(0);
}

describe.each([1, 2])('with %i processes', (processes) => {
  const buyers = async (count: number): Promise<Buyer[]> =>
    (await world.buyers(count)).map((buyer, index) => buyer.at(world.urls[(index + 1) % processes] as string));

  async function gated(capacity: number): Promise<MadeShow & { queueId: string }> {
    const queueId = await makeQueue(operator, { capacity });
    return { ...(await makeShow(operator, {}, queueId)), queueId };
  }

  it('an ACTIVE token of the queue opens every @queued field to its holder', async () => {
    const show = await gated(1);
    const holder = await admit((await buyers(1))[0]!, show.queueId);
    expect(await tryAll(holder, show)).toEqual(Array(5).fill(undefined));
  });

  it('without a token, or with one that is malformed, forged, or made up of its public id, nothing opens', async () => {
    const show = await gated(1);
    const [place] = await line(await buyers(1), show.queueId);
    await until(place!, 'ACTIVE');
    const { buyer, value } = place!;
    const flipped = value.slice(0, -1) + (value.endsWith('A') ? 'Q' : 'A');
    const forged = [undefined, '', 'x', value.slice(1), `${value}A`, flipped, hashOf(value), show.queueId];
    for (const token of [...forged, tokenValueOf(show.queueId, newSecret())]) {
      await expectShut(buyer.withToken(token), show);
    }
  });

  it("another user's ACTIVE token opens nothing, and stays good for its holder", async () => {
    const show = await gated(1);
    const [owner, thief] = (await buyers(2)) as [Buyer, Buyer];
    const holder = await admit(owner, show.queueId);
    await expectShut(thief.withToken(holder.queueToken), show);
    expect(await tryAll(holder, show, QUERIES, [])).toEqual(Array(3).fill(undefined));
  });

  it("another queue's ACTIVE token opens nothing here", async () => {
    const [show, other] = [await gated(1), await gated(1)];
    const holder = await admit((await buyers(1))[0]!, other.queueId);
    await expectShut(holder, show);
  });

  it('a WAITING, an EXPIRED and a LEFT token open nothing', async () => {
    const show = await gated(2);
    const places = await line(await buyers(3), show.queueId);
    const [expired, left, waiting] = places as [(typeof places)[0], (typeof places)[0], (typeof places)[0]];
    await until(left, 'ACTIVE');
    await update(operator, show.queueId, { state: 'PAUSED' });
    await runOut(world, [expired]);
    await expectShut(inside(expired), show, 'PAUSED');
    await leave(left);
    await expectShut(inside(left), show, 'PAUSED');
    await expectShut(inside(waiting), show, 'PAUSED');
  });

  it('a page that asks for everything at once gets the rest where the gate is shut, and where nobody is signed in', async () => {
    const [show, free] = [await gated(1), await makeShow(operator)];
    const page = `query ($concert: ID!, $show: ID!, $free: ID!, $date: LocalDate!) {
      settings { currency } me { id } wallet { balance } open: seatMap(showId: $free) { number }
      availableDates(concertId: $concert) { id } availableSeats(concertId: $concert, date: $date) { id }
      seatMap(showId: $show) { id } }`;
    const variables = { concert: show.concertId, show: show.id, free: free.id, date: '2026-07-04' };
    const [buyer] = (await buyers(1)) as [Buyer];
    const shut = { availableDates: null, availableSeats: null, seatMap: null };
    const known = { settings: { currency: 'KRW' }, open: expect.arrayContaining([{ number: 1 }]) };
    const codesByPath = (errors: GraphqlError[] = []): Record<string, string> =>
      Object.fromEntries(errors.map(({ path = [], extensions }) => [path.join('.'), extensions.code]));
    const waiting = await buyer.ask(page, variables);
    expect(waiting.data).toEqual({ ...known, ...shut, me: { id: buyer.id }, wallet: { balance: 0 } });
    expect(codesByPath(waiting.errors)).toEqual(
      Object.fromEntries(Object.keys(shut).map((name) => [name, 'QUEUE_TOKEN_REQUIRED'])),
    );
    const nobody = await post(buyer.url, page, variables);
    expect(nobody.data).toEqual({ ...known, ...shut, me: null, wallet: null });
    expect(codesByPath(nobody.errors)).toEqual(
      Object.fromEntries(['wallet', ...Object.keys(shut)].map((name) => [name, 'UNAUTHENTICATED'])),
    );
  });

  it('an operator may look without a token, but not reserve', async () => {
    const show = await gated(1);
    const errors = await tryAll(operator, show);
    expect(errors.slice(0, 3)).toEqual(Array(3).fill(undefined));
    const required = { code: 'QUEUE_TOKEN_REQUIRED', queue: { id: show.queueId, state: 'OPEN' } };
    expect(errors.slice(3).map((error) => error?.extensions)).toMatchObject([required, required]);
    const { rowCount } = await world.pool.query('select 1 from hold where show_id = $1', [show.id]);
    expect(rowCount).toBe(0);
  });

  it('a concert without a queue asks for no token, and its queries for no user', async () => {
    const show = await makeShow(operator);
    const [buyer] = (await buyers(1)) as [Buyer];
    expect(await tryAll(buyer, show)).toEqual(Array(5).fill(undefined));
    const asNobody = await post(buyer.url, MAP, { show: show.id });
    expect(asNobody.errors).toBeUndefined();
    expect(asNobody.data.seatMap).toHaveLength(50);
    expect((await post(buyer.url, DATES, { concert: show.concertId })).errors).toBeUndefined();
    const { errors } = await post(buyer.url, MUTATIONS[1] as string, { show: show.id });
    expect(errors?.[0]?.extensions.code).toBe('UNAUTHENTICATED');
  });

  it('without a user a queued concert is UNAUTHENTICATED, whatever token is shown', async () => {
    const show = await gated(1);
    const { queueToken } = await admit((await buyers(1))[0]!, show.queueId);
    const { errors } = await post(
      world.urls[0] as string,
      MAP,
      { show: show.id },
      { 'x-queue-token': queueToken ?? '' },
    );
    expect(errors?.[0]?.extensions.code).toBe('UNAUTHENTICATED');
  });

  it('seatChanges ends when its token ends by leaving or running out, and goes on for who is still ACTIVE', async () => {
    const show = await gated(3);
    const places = await line(await buyers(3), show.queueId);
    await Promise.all(places.map((place) => until(place, 'ACTIVE')));
    const feeds = places.map((place) => inside(place).watch(CHANGES, { show: show.id }));
    let ended = 0;
    for (const feed of feeds) void feed.ended.then(() => (ended += 1));
    await pause(300);
    expect(ended).toBe(0);

    await leave(places[0]!);
    expect(await feeds[0]!.ended).toBeUndefined();
    await runOut(world, [places[1]!]);
    expect(await feeds[1]!.ended).toBeUndefined();

    const query = MUTATIONS[0] as string;
    await inside(places[2]!).get(query, { show: show.id, seat: show.seats[0] });
    await feeds[2]!.until(({ seatChanges }) => seatChanges.seats[0]?.status === 'HELD');
    expect(ended).toBe(2);
    expect(feeds[0]!.events).toEqual([]);
    await feeds[2]!.close();
  });

  it('a token that re-entered shuts the gate until it is ACTIVE again, with the same value', async () => {
    const queueId = await makeQueue(operator, { capacity: 1, reenter: true });
    const show = { ...(await makeShow(operator, {}, queueId)), queueId };
    const [first, second] = await line(await buyers(2), queueId);
    await until(first!, 'ACTIVE');
    await runOut(world, [first!]);
    await expectShut(inside(first!), show);
    await until(second!, 'ACTIVE');
    await leave(second!);
    await eventually(async () => (await enter(first!.buyer, queueId)).status === 'ACTIVE');
    expect(await tryAll(inside(first!), show)).toEqual(Array(5).fill(undefined));
  });
});
