import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { redisUrl } from '../../embedded/redis.ts';
import { BUILT_IN } from '../../src/alerts/raise-alert.ts';
import {
  ageRaised,
  awaitRaised,
  endRaisedIn,
  heldOf,
  makeChannel,
  raisedAt,
  schedule,
  timesIn,
} from '../support/alerts.ts';
import { makeBreakable } from '../support/broken-rows.ts';
import { enter, eventually, makeQueue } from '../support/builders.ts';
import type { Buyer } from '../support/client.ts';
import { update } from '../support/places.ts';
import { Receiver } from '../support/receiver.ts';
import { scratchFolder } from '../support/scratch.ts';
import { whileLocked } from '../support/while-locked.ts';
import { World } from '../support/world.ts';

const SECRET = 'T0PSECRET';
const HOOK = `/${SECRET}`;

let receiver: Receiver;
let world: World;
let operator: Buyer;
beforeAll(async () => {
  receiver = await Receiver.open();
  const env = { ...receiver.env, AUDIT_MINUTES: '60', JOB_LATE_SECONDS: '1' };
  // An alert of a fault names the place in the source, as `npm start` has it.
  const mapped = { ...env, NODE_OPTIONS: '--enable-source-maps' };
  world = await World.open({ env: mapped, preload: './hurry-jobs.ts' });
  operator = await world.operator();
  await makeChannel(operator, receiver.url(HOOK));
});
afterAll(async () => {
  await world.close();
  const told = receiver.heard.map(({ body }) => String(body.text));
  await receiver.close();
  expect(
    told.filter((text) => text.includes(SECRET)),
    'no alert tells a secret',
  ).toEqual([]);
});

const raised = (kind: keyof typeof BUILT_IN, words = ''): string[] =>
  raisedAt(receiver, HOOK, kind).filter((text) => text.includes(words));

it('a fault is told once, however many requests meet it at two processes, with a request id; then with how many more', async () => {
  const query = `mutation { charge(input: { amount: 5, idempotencyKey: "${SECRET}" }) { __typename } }`;
  const buyers = (await world.buyers(6)).map((buyer, index) => buyer.at(world.urls[index % 2] as string));
  await world.pool.query('alter table entry rename column balance_after to balance_after_away');
  const answers = await Promise.all(buyers.map((buyer) => buyer.ask(query)));
  const text = await awaitRaised(receiver, HOOK, 'FAULT');
  await eventually(async () => timesIn(text) + (await heldOf(world, 'FAULT')) === buyers.length);
  expect(raised('FAULT')).toEqual([text]);
  expect(text).toMatch(
    /^FAULT: A request failed through a fault of Onsale: \w+ \(42703\) at src\/[\w./-]+:\d+\. The log/,
  );
  const ids = answers.map(({ errors }) => errors?.[0]?.extensions.requestId);
  expect(ids).toContain(/^Request id: (.*)$/m.exec(text)?.[1]);

  await ageRaised(world, 'FAULT:');
  await buyers[0]?.ask(query);
  await world.pool.query('alter table entry rename column balance_after_away to balance_after');
  await eventually(() => raised('FAULT').length === 2);
  expect(timesIn(raised('FAULT')[1] as string) + timesIn(text)).toBe(buyers.length + 1);
});

it('what came up too soon, and not again, is told at the end of the minute', async () => {
  const buyer = await world.buyer();
  const told = () => raised('FAULT', '(42P01)');
  await world.pool.query('alter table concert rename to concert_away');
  await buyer.ask('{ concerts { edges { cursor } } }');
  await eventually(() => told().length === 1);
  const { rows } = await world.pool.query<{ name: string }>(
    `select name from raised_alert where name like 'FAULT:%(42P01)%'`,
  );
  await endRaisedIn(world, rows[0]?.name as string, 5_000);
  await buyer.ask('{ concerts { edges { cursor } } }');
  await buyer.ask('{ concerts { edges { cursor } } }');
  await world.pool.query('alter table concert_away rename to concert');
  await eventually(() => told().length === 2);
  expect(timesIn(told()[1] as string)).toBe(2);
});

it('what is the fault of a caller, or no fault at all, is no alert', async () => {
  const before = raised('FAULT').length;
  const buyer = await world.buyer();
  expect(await buyer.fail('{ queue(id: "x") { id } }')).toBe('FORBIDDEN');
  expect(await buyer.fail('{ nothing }')).toBe('GRAPHQL_VALIDATION_FAILED');
  expect(await operator.fail('mutation { testAlertChannel(id: "x") { id } }')).toBe('BAD_USER_INPUT');
  const { id } = await schedule(operator, await makeChannel(operator, receiver.url('/after')), { text: 'after' });
  await eventually(() => receiver.at('/after').some(({ body }) => body.id === id));
  expect(raised('FAULT')).toHaveLength(before);
});

it('a job that fails at two processes, again and again, is told once', async () => {
  await world.pool.query('alter table shop_order rename column pay_by to pay_by_away');
  const failures = (log: string) => log.split('\n').filter((line) => line.includes('"job":"lapse-orders"')).length;
  await awaitRaised(receiver, HOOK, 'JOB_FAILED');
  await eventually(() => world.processes.every(({ log }) => failures(log()) > 2));
  await world.pool.query('alter table shop_order rename column pay_by_away to pay_by');
  await eventually(() => raised('JOB_FAILED', 'lapse-orders').length > 0);
  await eventually(async () => (await heldOf(world, 'JOB_FAILED:lapse-orders')) > 0);
  expect(raised('JOB_FAILED', 'lapse-orders')).toEqual([
    expect.stringMatching(/^JOB_FAILED: The job lapse-orders failed: \w+ \(42703\)/),
  ]);
});

it('a job that takes too long is told once', async () => {
  receiver.answer('/hangs', () => undefined);
  const id = await makeChannel(operator, receiver.url('/hangs'));
  await schedule(operator, id);
  await eventually(() => raised('JOB_LATE', 'send-alerts').length > 0, 60_000);
  await operator.get('mutation ($id: ID!) { removeAlertChannel(id: $id) { id } }', { id });
  expect(raised('JOB_LATE', 'send-alerts')).toEqual([
    expect.stringContaining('The job send-alerts is late: no run of it succeeded for 2 seconds'),
  ]);
});

it('a job of which every run meets a time-out, while both servers answer, is told as late, and not as failed', async () => {
  // A run that meets the time-out lasts about a second, and so ends often enough.
  const patient = await world.startProcess({ JOB_LATE_SECONDS: '5' });
  await whileLocked(world.pool, { text: 'lock table reservation' }, async () => {
    await eventually(() => /"job":"lapse-holds".*a job is late/.test(patient.log()));
    await eventually(() => raised('JOB_LATE', 'lapse-holds').length > 0);
  });
  await patient.stop();
  world.processes.splice(world.processes.indexOf(patient), 1);
  expect(raised('JOB_FAILED', 'lapse-holds')).toEqual([]);
});

it('the audit runs by itself, at one process, and tells of a rule that does not hold once; of rules that hold nothing', async () => {
  const buyer = await world.buyer(1_000);
  const audited = async (): Promise<boolean> => (await world.redis.exists('onsale:audited')) === 1;
  await eventually(audited);
  expect(raised('AUDIT_VIOLATION')).toEqual([]);

  await makeBreakable(world.pool);
  await world.pool.query('update wallet set balance = 1001 where user_id = $1', [buyer.id]);
  await world.redis.del('onsale:audited');
  const text = await awaitRaised(receiver, HOOK, 'AUDIT_VIOLATION');
  expect(text).toMatch(/^AUDIT_VIOLATION: The audit found rules that do not hold\.\n\S+: 1 violations\. /);
  expect(text, 'whose wallet it is stands in the audit').not.toContain(buyer.id);
  await world.redis.del('onsale:audited');
  await eventually(async () => (await heldOf(world, 'AUDIT_VIOLATION')) === 1);
  await world.pool.query('update wallet set balance = 1000 where user_id = $1', [buyer.id]);
  expect(raised('AUDIT_VIOLATION')).toEqual([text]);
});

it('a queue that admits nobody though people wait and capacity is free is told, ever more rarely; one that is full or paused is not', async () => {
  const full = await makeQueue(operator, { capacity: 0 });
  const paused = await makeQueue(operator, { capacity: 5 });
  const stuck = await makeQueue(operator, { capacity: 0 });
  await update(operator, paused, { state: 'PAUSED' });
  const buyers = await world.buyers(3);
  for (const [index, id] of [full, paused, stuck].entries()) await enter(buyers[index] as Buyer, id);
  // A clock that was set back: no tick seems to be due for a long time.
  await world.redis.hset(`{q:${stuck}}:meta`, 'tickAt', 9e15);
  await update(operator, stuck, { capacity: 5 });
  const seen = `{q:${stuck}}:stuck`;
  await eventually(async () => (await world.redis.exists(seen)) === 1);
  expect(raised('QUEUE_STUCK'), 'not sooner than configured').toEqual([]);
  await world.redis.hset(seen, 'since', Date.now() - 61_000);
  const text = await awaitRaised(receiver, HOOK, 'QUEUE_STUCK');
  expect(text).toContain(`QUEUE_STUCK: The queue ${stuck} is stuck: nobody was admitted for 6`);
  await eventually(async () => (await heldOf(world, `QUEUE_STUCK:${stuck}`)) > 0);
  expect(raised('QUEUE_STUCK')).toEqual([text]);

  const name = `QUEUE_STUCK:${stuck}`;
  const key = `onsale:alert:{${name}}`;
  for (const [index, most] of [60_000, 120_000, 240_000].entries()) {
    await eventually(() => raised('QUEUE_STUCK').length === index + 1);
    const left = await world.redis.pttl(key);
    expect(left, 'ever more rarely').toBeLessThanOrEqual(most);
    expect(left).toBeGreaterThan(most / 2);
    if (index < 2) await ageRaised(world, name);
  }
  await endRaisedIn(world, name, 3_600_000);
  // It did not come up for a minute.
  await world.redis.del(`${key}:next`);
  await eventually(() => raised('QUEUE_STUCK').length === 4);
  expect(await world.redis.pttl(key)).toBeLessThanOrEqual(60_000);
  await world.redis.hset(`{q:${stuck}}:meta`, 'tickAt', 0);
  await eventually(async () => (await world.redis.exists(seen)) === 0);
});

it('a disk that is nearly full under an embedded server is told once', async () => {
  const folder = await scratchFolder('onsale-full-');
  const env = { REDIS_URL: '', DATA_DIR: folder, DISK_FREE_PERCENT: '100' };
  const first = await world.startProcess(env);
  const second = await world.startProcess(env);
  const { redis: access } = JSON.parse(readFileSync(join(folder, 'servers.json'), 'utf8')).servers;
  const redis = new Redis(redisUrl(access));
  const text = await awaitRaised(receiver, HOOK, 'DISK_NEARLY_FULL');
  expect(text).toMatch(/is nearly full: \d+\.\d % of it is free\.$/m);
  await eventually(async () => Number(await redis.get('onsale:alert:{DISK_NEARLY_FULL}:held')) > 2);
  redis.disconnect();
  expect(raised('DISK_NEARLY_FULL')).toHaveLength(1);
  await Promise.all([first.stop(), second.stop()]);
  await rm(folder, { recursive: true });
});

it.each(['throw', 'reject'])(
  'an error that nothing caught (%s) is logged and told once, and the process ends in order with 1',
  async (how) => {
    const name = how === 'throw' ? 'RangeError' : 'TypeError';
    const doomed = await world.startProcess({}, './fail-on-message.ts');
    const exited = once(doomed.child, 'exit');
    doomed.child.send(how);
    expect(await exited).toEqual([1, null]);
    expect(doomed.log()).toMatch(/"level":60.*an error was not caught/);
    await eventually(() => raised('CRASH', name).length > 0);
    expect(raised('CRASH', name)).toEqual([expect.stringContaining('met an error that nothing caught, and ends')]);
    expect(await operator.get('{ settings { currency } }')).toEqual({ settings: { currency: 'KRW' } });
  },
);

it('the last process tells of its own end before it ends', async () => {
  const alone = await World.open({ processes: 1, env: receiver.env, preload: './fail-on-message.ts' });
  try {
    await makeChannel(await alone.operator(), receiver.url('/last'));
    const [doomed] = alone.processes;
    const exited = once(doomed?.child as NonNullable<typeof doomed>['child'], 'exit');
    doomed?.child.send('throw');
    expect(await exited).toEqual([1, null]);
    expect(raisedAt(receiver, '/last', 'CRASH')).toHaveLength(1);
  } finally {
    await alone.close();
  }
});

it('what came up just before a process ended is told by the next one', async () => {
  const alone = await World.open({ processes: 1, env: receiver.env });
  try {
    const first = await alone.operator();
    await makeChannel(first, receiver.url('/next'));
    await alone.pool.query('alter table reservation rename column expires_at to expires_at_away');
    const [error] = (await first.ask('{ reservations { edges { cursor } } }')).errors ?? [];
    await alone.processes[0]?.stop();
    await alone.pool.query('alter table reservation rename column expires_at_away to expires_at');
    await alone.startProcess();
    expect(await awaitRaised(receiver, '/next', 'FAULT')).toContain(`Request id: ${error?.extensions.requestId}`);
  } finally {
    await alone.close();
  }
});

it('docs/operate/alerts.md explains every built-in alert, and no other', () => {
  const page = readFileSync(new URL('../../docs/operate/alerts.md', import.meta.url), 'utf8');
  const listed = [...page.matchAll(/^\| `([A-Z_]+)` /gm)].map(([, kind]) => kind);
  expect(listed).toEqual(Object.keys(BUILT_IN));
});
