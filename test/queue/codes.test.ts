import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { enter, eventually, makeQueue } from '../support/builders.ts';
import type { Buyer } from '../support/client.ts';
import { enterWith, failToIssue, issue, rushWith } from '../support/codes.ts';
import { line, look, statsOf, update } from '../support/places.ts';
import { World } from '../support/world.ts';

const INVALID = { __typename: 'Refusal', code: 'PRIORITY_CODE_INVALID' };

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
});
afterAll(() => world.close());

async function codesOf(queueId: string): Promise<number> {
  const { rowCount } = await world.pool.query('select 1 from priority_code where queue_id = $1', [queueId]);
  return rowCount ?? 0;
}

it('codes are 128 random bits each, and only their hashes are kept', async () => {
  const queueId = await makeQueue(operator, { capacity: 0 });
  const codes = await issue(operator, queueId, 3, 10_000);

  expect(new Set(codes).size).toBe(10_000);
  for (const code of codes) expect(Buffer.from(code, 'base64url')).toHaveLength(16);
  const { rows } = await world.pool.query<{ row: string; hash: Buffer }>(
    'select hash, priority_code::text as row from priority_code where queue_id = $1',
    [queueId],
  );
  expect(rows).toHaveLength(10_000);
  expect(rows.every(({ hash }) => hash.length === 32)).toBe(true);
  const kept = rows.map(({ row }) => row).join('\n');
  for (const code of codes.slice(0, 100)) {
    expect(kept).not.toContain(code);
    expect(kept).not.toContain(Buffer.from(code, 'base64url').toString('hex'));
  }
});

it('counts and priorities out of their bounds, and queues that are not there, are refused and nothing is issued', async () => {
  const queueId = await makeQueue(operator, { capacity: 0 });
  const good = { queueId, priority: 1, count: 1 };
  const wrong = [{ count: 0 }, { count: -1 }, { count: 10_001 }, { priority: 0 }, { priority: 10 }, { priority: -1 }];
  for (const input of [...wrong, { count: 1.5 }, { priority: '1' }, { queueId: 'x' }]) {
    expect(await failToIssue(operator, { ...good, ...input })).toBe('BAD_USER_INPUT');
  }
  expect(await failToIssue(operator, { ...good, queueId: randomUUID() })).toBe('NOT_FOUND');
  expect(await failToIssue(await world.buyer(), good)).toBe('FORBIDDEN');
  expect(await codesOf(queueId)).toBe(0);
  expect(await issue(operator, queueId, 9, 1)).toHaveLength(1);
});

it('whoever presents a code first owns it: asking again answers the same token, another user is refused', async () => {
  const queueId = await makeQueue(operator, { capacity: 0 });
  const [owner, other] = (await world.buyers(2)) as [Buyer, Buyer];
  const [code] = (await issue(operator, queueId, 5)) as [string];

  const first = await enterWith(owner, queueId, code);
  expect(first).toMatchObject({ status: 'WAITING', position: 1 });
  for (const url of world.urls) expect((await enterWith(owner.at(url), queueId, code)).value).toBe(first.value);
  for (const url of world.urls) expect(await enterWith(other.at(url), queueId, code)).toEqual(INVALID);

  expect(await statsOf(operator, queueId)).toMatchObject({ entered: 1, waiting: 1 });
  const { rows } = await world.pool.query('select user_id from priority_code where queue_id = $1', [queueId]);
  expect(rows).toEqual([{ user_id: owner.id }]);
});

it('a code that is unknown, malformed or of another queue is refused, and nobody enters with it', async () => {
  const [queueId, otherQueue] = [
    await makeQueue(operator, { capacity: 0 }),
    await makeQueue(operator, { capacity: 0 }),
  ];
  const buyer = await world.buyer();
  const [foreign, right] = [...(await issue(operator, otherQueue, 9)), ...(await issue(operator, queueId, 9))] as [
    string,
    string,
  ];

  const texts = [
    '',
    'x',
    '\0',
    `${right}\0`,
    ` ${right}`,
    `${right.slice(0, -1)}\0`,
    '\ud800',
    "'; drop table queue",
    '🎟️',
  ];
  for (const code of [...texts, 'A'.repeat(22), 'x'.repeat(40_000), foreign, randomUUID()]) {
    expect(await enterWith(buyer, queueId, code), JSON.stringify(code).slice(0, 40)).toEqual(INVALID);
  }
  const huge = JSON.stringify({
    query: 'mutation ($input: EnterQueueInput!) { enterQueue(input: $input) { __typename } }',
    variables: { input: { queueId, priorityCode: 'x'.repeat(10_000_000) } },
  });
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${buyer.accessToken}` };
  const sent = fetch(buyer.url, { method: 'POST', headers, body: huge });
  expect([413, 'cut off while sending']).toContain(
    await sent.then(
      ({ status }) => status,
      () => 'cut off while sending',
    ),
  );
  const query = 'mutation ($input: EnterQueueInput!) { enterQueue(input: $input) { __typename } }';
  expect(await buyer.fail(query, { input: { queueId: randomUUID(), priorityCode: right } })).toBe('NOT_FOUND');
  expect(await buyer.fail(query, { input: { queueId, priorityCode: 5 } })).toBe('BAD_USER_INPUT');

  expect(await statsOf(operator, queueId)).toMatchObject({ entered: 0, waiting: 0 });
  const { rows } = await world.pool.query(
    'select 1 from priority_code where user_id is not null and queue_id = any($1)',
    [[queueId, otherQueue]],
  );
  expect(rows).toEqual([]);
});

it('null is no code', async () => {
  const queueId = await makeQueue(operator, { capacity: 0 });
  expect(await enterWith(await world.buyer(), queueId, null)).toMatchObject({ status: 'WAITING', position: 1 });
});

it('of 50 users who present one code at once, over two processes, exactly one owns it and enters', async () => {
  const queueId = await makeQueue(operator, { capacity: 0 });
  const buyers = await world.buyers(50);
  for (const code of await issue(operator, queueId, 7, 5)) {
    const before = (await statsOf(operator, queueId)).waiting;
    const owners = await rushWith(buyers, queueId, code);
    const { rows } = await world.pool.query(`select user_id from priority_code where hash = sha256($1::bytea)`, [
      Buffer.from(code),
    ]);
    expect(owners.map(({ id }) => id)).toEqual(rows.map(({ user_id }) => user_id));
    expect(owners).toHaveLength(1);
    expect((await statsOf(operator, queueId)).waiting - before).toBeLessThanOrEqual(1);
  }
});

it('a full or closed queue refuses a code too, which stays its owner’s and opens the lane when there is room', async () => {
  const queueId = await makeQueue(operator, { capacity: 0, maxWaiting: 2 });
  const places = await line(await world.buyers(2), queueId);
  const [owner, other] = (await world.buyers(2)) as [Buyer, Buyer];
  const [code, second] = (await issue(operator, queueId, 2, 2)) as [string, string];

  expect(await enterWith(owner, queueId, code)).toEqual({ __typename: 'Refusal', code: 'QUEUE_FULL' });
  expect(await enterWith(places[1]!.buyer, queueId, second)).toMatchObject({ value: places[1]!.value, position: 1 });
  await update(operator, queueId, { state: 'CLOSED' });
  expect(await enterWith(owner, queueId, code)).toEqual({ __typename: 'Refusal', code: 'QUEUE_CLOSED' });
  expect(await statsOf(operator, queueId)).toMatchObject({ entered: 2, waiting: 0 });

  await update(operator, queueId, { state: 'OPEN', maxWaiting: 3 });
  const [ordinary] = await line([other], queueId);
  expect(await enterWith(other, queueId, code)).toEqual(INVALID);
  expect(await enterWith(owner, queueId, code)).toMatchObject({ status: 'WAITING', position: 1, waiting: 2 });
  await eventually(async () => (await look(ordinary!)).position === 2);
  expect((await enter(other, queueId)).value).toBe(ordinary!.value);
  expect(await look(ordinary!)).toMatchObject({ status: 'WAITING' });
});
