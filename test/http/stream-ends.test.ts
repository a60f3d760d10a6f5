import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, makeQueue, makeShow, reserve } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { Stream } from '../support/stream.ts';
import { signToken, World } from '../support/world.ts';

let world: World;
let url: string;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open({ processes: 1 });
  url = world.urls[0] as string;
  operator = await world.operator();
});
afterAll(() => world.close());

/** Connections of Redis that listen for `pattern`: what nobody watches must not be listened for. */
async function listened(pattern: string): Promise<string[]> {
  return (await world.redis.call('PUBSUB', 'CHANNELS', pattern)) as string[];
}

it('ends with UNAUTHENTICATED when its access token does, and hears nothing of what happens after', async () => {
  const show = await makeShow(operator);
  const [listener, buyer] = (await world.buyers(2)) as [Buyer, Buyer];
  const query = `subscription { seatChanges(showId: "${show.id}") { seats { id } } }`;
  const stream = await Stream.subscribe(url, await signToken(listener.id, 'BUYER', '2s'), query);
  const lasting = await Stream.subscribe(url, listener.accessToken, query);
  const told = (seat: number) => (result: Data) =>
    result.data?.seatChanges.seats.some(({ id }: Data) => id === show.seats[seat]) ?? false;
  await eventually(async () => (await listened(`onsale:seats:${show.id}`)).length === 1);
  await new Promise((resolve) => setTimeout(resolve, 200));
  await reserve(buyer, show.id, [show.seats[0] as string]);
  await stream.until(told(0));
  expect(await stream.over).toBe('ended');
  expect(stream.events.slice(-2)).toMatchObject([
    { event: 'next', data: { errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] } },
    { event: 'complete' },
  ]);
  await reserve(buyer, show.id, [show.seats[1] as string]);
  await lasting.until(told(1));
  expect(stream.results.some(told(1))).toBe(false);
  lasting.close();
});

it('of an operator whose row loses the role ends with FORBIDDEN, and tells no count after that', async () => {
  const { id } = await world.buyer();
  await world.pool.query(`update user_account set role = 'OPERATOR' where id = $1`, [id]);
  const query = `subscription { queueStats(queueId: "${await makeQueue(operator, { capacity: 1 })}") { waiting } }`;
  const stream = await Stream.subscribe(url, await signToken(id, 'OPERATOR'), query);
  await stream.until(({ data }) => data);
  await world.pool.query(`update user_account set role = 'BUYER' where id = $1`, [id]);
  const heard = stream.results.length;
  expect(await stream.over).toBe('ended');
  const after = stream.results.slice(heard);
  expect(after.at(-1)).toMatchObject({ errors: [{ extensions: { code: 'FORBIDDEN' } }] });
  // A count that was on its way when the role was taken may still arrive; none that was made later may.
  expect(after.length).toBeLessThanOrEqual(2);
  expect(stream.events.at(-1)?.event).toBe('complete');
});

it('that fails through a fault of ours tells INTERNAL_SERVER_ERROR with a requestId, and nothing of the cause', async () => {
  const query = `subscription { queueStats(queueId: "${await makeQueue(operator, { capacity: 1 })}") { waiting } }`;
  await world.pool.query('alter table user_account rename column role to role_away');
  const stream = await Stream.subscribe(url, operator.accessToken, query);
  await stream.over;
  await world.pool.query('alter table user_account rename column role_away to role');
  const [{ errors }] = stream.results;
  const { requestId } = errors[0].extensions;
  expect(errors).toMatchObject([{ path: ['queueStats'], extensions: { code: 'INTERNAL_SERVER_ERROR' } }]);
  expect(stream.text).not.toMatch(/relation|select|DriverException|42703|role_away/i);
  await eventually(() => world.processes[0]?.log().includes(requestId) ?? false);
});

it('that its reader leaves leaves nothing behind: what only it watched is listened to no more', async () => {
  const show = await makeShow(operator);
  const { accessToken } = await world.buyer();
  const query = `subscription { seatChanges(showId: "${show.id}") { resync } }`;
  const streams = await Promise.all(Array.from({ length: 20 }, () => Stream.subscribe(url, accessToken, query)));
  await eventually(async () => (await listened(`onsale:seats:${show.id}`)).length === 1);
  for (const stream of streams) stream.close();
  await eventually(async () => (await listened(`onsale:seats:${show.id}`)).length === 0);
});

it('that is left while it is being opened leaves nothing behind either', async () => {
  const show = await makeShow(operator);
  const { accessToken } = await world.buyer();
  const query = `subscription { seatChanges(showId: "${show.id}") { resync } }`;
  for (let i = 0; i < 50; i++) {
    const opening = Stream.subscribe(url, accessToken, query);
    void opening.then((stream) => stream.close());
    await opening;
  }
  await eventually(async () => (await listened(`onsale:seats:${show.id}`)).length === 0);
});

it('ends without complete when its process does, which does not wait for it', async () => {
  const ending = await world.startProcess();
  const query = `subscription { queueStats(queueId: "${await makeQueue(operator, { capacity: 1 })}") { waiting } }`;
  const stream = await Stream.subscribe(ending.url, operator.accessToken, query);
  await stream.until(({ data }) => data);
  const start = performance.now();
  await ending.stop();
  expect(performance.now() - start).toBeLessThan(5_000);
  await stream.over;
  expect(stream.events.some(({ event }) => event === 'complete')).toBe(false);
  expect(stream.results.every(({ errors }) => errors === undefined)).toBe(true);
  expect(ending.log()).not.toMatch(/"level":50/);
  world.processes.splice(world.processes.indexOf(ending), 1);
});
