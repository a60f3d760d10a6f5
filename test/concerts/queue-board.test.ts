import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { admit, eventually, makeQueue, makeShow, pay, reserve } from '../support/builders.ts';
import { type Answer, type Buyer, type Data, Feed, post } from '../support/client.ts';
import { line, pause, refusalOf, update } from '../support/places.ts';
import { Socket } from '../support/socket.ts';
import { Stream } from '../support/stream.ts';
import { withdrawConcert } from '../support/withdrawn.ts';
import { World } from '../support/world.ts';

const BOARD = 'queueId state opensAt waiting admittedPerMinute etaSeconds seatsLeft { showId section left }';
const READ = `query ($id: ID!) { queueBoard(queueId: $id) { ${BOARD} } }`;
const WATCH = `subscription ($id: ID!) { queueBoard(queueId: $id) { ${BOARD} } }`;
const ID = '00000000-0000-7000-8000-000000000000';

let world: World;
let operator: Buyer;
let urls: [string, string];
/** Of a queue in which nothing happens. */
let quiet: Feed;
beforeAll(async () => {
  world = await World.open({ preload: './count-sql.ts' });
  operator = await world.operator();
  urls = world.urls as [string, string];
  quiet = watch(await makeQueue(operator, { capacity: 1, board: true }));
});
afterAll(async () => {
  await quiet.close();
  await world.close();
});

/** What somebody who is not signed in is answered. */
const ask = (id: string, url = urls[0]): Promise<Answer> => post(url, READ, { id });
const boardOf = async (id: string, url = urls[0]): Promise<Data> => (await ask(id, url)).data.queueBoard;
/** Subscribes without signing in. */
const watch = (id: string, url = urls[0]): Feed => new Feed(url, {}, WATCH, { id });

const TWO_SECTIONS = {
  sections: [
    { name: 'Floor', seatCount: 3, price: 1_000 },
    { name: 'Balcony', seatCount: 2, price: 500 },
  ],
};

describe('a board that is on', () => {
  it('tells anybody at every process what the queue does, and the seats left of each section', async () => {
    const queueId = await makeQueue(operator, { capacity: 10, board: true });
    const show = await makeShow(operator, TWO_SECTIONS, queueId);
    const holder = await admit(await world.buyer(2_000), queueId);
    await reserve(holder, show.id, [show.seats[0] as string]);
    const owner = await admit(await world.buyer(2_000), queueId);
    const { id } = await reserve(owner, show.id, [show.seats[3] as string]);
    await pay(owner, id);

    const seatsLeft = [
      { showId: show.id, section: 'Floor', left: 2 },
      { showId: show.id, section: 'Balcony', left: 1 },
    ];
    const board = { queueId, state: 'OPEN', opensAt: null, waiting: 0, admittedPerMinute: 2, etaSeconds: 0, seatsLeft };
    for (const url of urls) {
      await eventually(async () => (await boardOf(queueId, url)).admittedPerMinute === 2);
      await eventually(async () => (await boardOf(queueId, url)).seatsLeft[1].left === 1);
      expect(await ask(queueId, url)).toEqual({ status: 200, data: { queueBoard: board }, errors: undefined });
    }
  });

  it('estimates for whoever enters now: unknown while nobody moves, longer than for the last in line', async () => {
    const queueId = await makeQueue(operator, { capacity: 1_000, admitPerMinute: 60, board: true });
    await line(await world.buyers(20), queueId);
    await eventually(async () => ((await boardOf(queueId)).etaSeconds ?? 0) > 10);
    const { waiting, etaSeconds } = await boardOf(queueId);
    expect(etaSeconds).toBeGreaterThan(waiting / 2);
    await update(operator, queueId, { state: 'PAUSED' });
    await eventually(async () => (await boardOf(queueId)).state === 'PAUSED');
    expect((await boardOf(queueId)).etaSeconds).toBeNull();
  });

  it('before the opening counts down to it, and says when that is', async () => {
    const opensAt = new Date(Date.now() + 600_000);
    const queueId = await makeQueue(operator, { capacity: 1, board: true, opensAt });
    const board = await boardOf(queueId);
    expect(board).toMatchObject({ state: 'SCHEDULED', opensAt: opensAt.toISOString(), waiting: 0, seatsLeft: [] });
    expect(board.etaSeconds).toBeGreaterThan(500);
    expect(board.etaSeconds).toBeLessThanOrEqual(600);
    const feed = watch(queueId);
    await feed.until(() => true);
    await pause(2_500);
    expect(feed.events, 'nothing happened but that time went by').toHaveLength(1);
    await feed.close();
  });

  it('leaves out shows that are cancelled, and concerts that were withdrawn', async () => {
    const queueId = await makeQueue(operator, { capacity: 1, board: true });
    const [shown, cancelled, withdrawn] = [
      await makeShow(operator, {}, queueId),
      await makeShow(operator, {}, queueId),
      await makeShow(operator, {}, queueId),
    ];
    await operator.get('mutation ($id: ID!) { cancelShow(input: { showId: $id, reason: "a storm" }) { id } }', {
      id: cancelled.id,
    });
    await withdrawConcert(operator, withdrawn.concertId);
    await eventually(async () => (await boardOf(queueId)).seatsLeft.length === 1);
    expect((await boardOf(queueId)).seatsLeft).toEqual([{ showId: shown.id, section: '', left: shown.seats.length }]);
  });

  it('goes on when the queue is closed', async () => {
    const queueId = await makeQueue(operator, { capacity: 1, board: true });
    const feed = watch(queueId);
    await feed.until(() => true);
    await update(operator, queueId, { state: 'CLOSED' });
    const { queueBoard } = await feed.until((event) => event.queueBoard.state === 'CLOSED');
    expect(queueBoard).toMatchObject({ waiting: 0, etaSeconds: null });
    expect(await boardOf(queueId)).toMatchObject({ state: 'CLOSED', etaSeconds: null });
    await feed.close();
  });
});

describe('watching', () => {
  it('tells 50 watchers the same texts, at most one a second each, and asks PostgreSQL no more than for one', async () => {
    const queueId = await makeQueue(operator, { capacity: 0, board: true });
    const [{ messages }] = world.processes as [World['processes'][number]];
    const buyers = await world.buyers(40);
    const sockets = await Promise.all(Array.from({ length: 50 }, () => Socket.ready(urls[0])));
    const began = performance.now();
    const before = messages.length;
    for (const socket of sockets) socket.subscribe('board', WATCH, { id: queueId });
    await Promise.all(sockets.map((socket) => socket.until(({ type }) => type === 'next')));
    for (const buyer of buyers) {
      await line([buyer], queueId);
      await pause(75);
    }
    await Promise.all(sockets.map((socket) => socket.until(({ payload }) => payload?.data?.queueBoard.waiting === 40)));
    const seconds = (performance.now() - began) / 1_000;

    const told = sockets.map(({ messages: heard }) =>
      heard.filter(({ type }) => type === 'next').map(({ payload }) => JSON.stringify(payload)),
    );
    const [first] = told as [string[]];
    expect(first.length).toBeGreaterThan(2);
    expect(first.length).toBeLessThanOrEqual(seconds + 1);
    expect(new Set(first).size, 'nothing was told twice').toBe(first.length);
    for (const texts of told) expect(texts).toEqual(first);
    const counts = messages.slice(before).filter(({ type, value }) => type === 'sql' && `${value}`.includes('"left"'));
    expect(counts.length, 'two boards are watched').toBeLessThanOrEqual(2 * (seconds + 1));
    await Promise.all(sockets.map((socket) => socket.close()));
  });

  it('tells streams of server-sent events the same as sockets', async () => {
    const queueId = await makeQueue(operator, { capacity: 0, board: true });
    const stream = await Stream.open(urls[1], {}, { query: WATCH, variables: { id: queueId } });
    const feed = watch(queueId, urls[1]);
    await line([await world.buyer()], queueId);
    const [told, heard] = [
      await stream.until(({ data }) => data.queueBoard.waiting === 1),
      await feed.until(({ queueBoard }) => queueBoard.waiting === 1),
    ];
    expect(told.data).toEqual(heard);
    stream.close();
    await feed.close();
  });

  it('ends with NOT_FOUND when the board is switched off, at every process, on sockets and streams', async () => {
    const queueId = await makeQueue(operator, { capacity: 1, board: true });
    const feeds = urls.map((url) => watch(queueId, url));
    const stream = await Stream.open(urls[1], {}, { query: WATCH, variables: { id: queueId } });
    await Promise.all([stream.until(() => true), ...feeds.map((feed) => feed.until(() => true))]);
    await update(operator, queueId, { board: false });
    for (const feed of feeds) {
      const { errors } = await feed.until((event) => event.errors);
      expect(errors).toMatchObject([{ extensions: { code: 'NOT_FOUND' } }]);
      await feed.ended;
      await feed.close();
    }
    expect(await stream.over).toBe('ended');
    expect(stream.results.at(-1)).toMatchObject({ errors: [{ extensions: { code: 'NOT_FOUND' } }] });
    for (const url of urls) expect(await boardOf(queueId, url)).toBeNull();

    await update(operator, queueId, { board: true });
    await eventually(async () => (await boardOf(queueId, urls[1])) !== null);
    const again = watch(queueId, urls[1]);
    expect((await again.until(() => true)).queueBoard).toMatchObject({ queueId, state: 'OPEN' });
    await again.close();
  });
});

describe('a board that is off', () => {
  it('is off until an operator switches it on, which a buyer cannot, and the operators’ log tells', async () => {
    const queueId = await makeQueue(operator, { capacity: 1 });
    const SWITCH = 'mutation ($id: ID!, $on: Boolean) { updateQueue(input: { id: $id, board: $on }) { board } }';
    expect(await (await world.buyer()).fail(SWITCH, { id: queueId, on: true })).toBe('FORBIDDEN');
    expect(await operator.fail(SWITCH, { id: queueId, on: null })).toBe('BAD_USER_INPUT');
    expect(await operator.get('query ($id: ID!) { queue(id: $id) { board } }', { id: queueId })).toEqual({
      queue: { board: false },
    });
    expect(await boardOf(queueId)).toBeNull();
    expect(await operator.get(SWITCH, { id: queueId, on: true })).toEqual({ updateQueue: { board: true } });
    expect(await boardOf(queueId)).toMatchObject({ queueId });
    const { rows } = await world.pool.query(
      `select before, after from operator_log where mutation = 'updateQueue' and subject_ids @> array[$1::uuid]`,
      [queueId],
    );
    expect(JSON.stringify(rows)).toContain('"board":true');
  });

  it.each([
    ['of a queue whose board is off', () => makeQueue(operator, { capacity: 1 })],
    ['of an unknown queue', async () => randomUUID()],
  ])('%s is null to a query and NOT_FOUND to a subscription, to operators too', async (_whose, make) => {
    const id = await make();
    expect(await ask(id)).toMatchObject({ status: 200, data: { queueBoard: null }, errors: undefined });
    expect(await operator.get(READ, { id })).toEqual({ queueBoard: null });
    for (const feed of [watch(id), operator.watch(WATCH, { id })]) {
      expect((await refusalOf(feed)).extensions.code).toBe('NOT_FOUND');
      await feed.close();
    }
    const stream = await Stream.open(urls[0], {}, { query: WATCH, variables: { id } });
    expect(await stream.over).toBe('ended');
    expect(stream.results).toMatchObject([{ errors: [{ extensions: { code: 'NOT_FOUND' } }] }]);
  });

  it.each(['x', '', `${ID}0`])('asked for by %j, which is no id, is BAD_USER_INPUT', async (id) => {
    expect((await ask(id)).errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT', argument: 'queueId' } }]);
    const feed = watch(id);
    expect((await refusalOf(feed)).extensions).toMatchObject({ code: 'BAD_USER_INPUT', argument: 'queueId' });
    await feed.close();
  });
});

it('a subscriber receives what has not changed at least every 10 seconds', async () => {
  const first = await quiet.until(() => true);
  expect(await quiet.until(() => true, 10_500, 1)).toEqual(first);
});
