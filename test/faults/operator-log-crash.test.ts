import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { enter, eventually, makeConcert, makeQueue, readToken } from '../support/builders.ts';
import type { Buyer } from '../support/client.ts';
import { logOf } from '../support/operator-log.ts';
import type { AppProcess } from '../support/process.ts';
import { World } from '../support/world.ts';

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open({ processes: 1 });
  operator = await world.operator();
});
afterAll(() => world.close());

/** Sends a mutation to a process that is killed at the commit of its row. */
async function killedAt(DIE: string, query: string, variables: object): Promise<void> {
  const env = { DIE, DIE_OF: '^insert into operator_log' };
  const doomed: AppProcess = await world.startProcess(env, './die-at-commit.ts');
  const asked = operator
    .at(doomed.url)
    .hasty()
    .ask(query, variables)
    .catch(() => undefined);
  await eventually(() => doomed.child.signalCode === 'SIGKILL');
  await asked;
}

const SHOW = `mutation ($concertId: ID!) { createShow(input: { concertId: $concertId, venue: "a hall", price: 1,
  startsAt: "2030-01-02T00:00:00Z", salesOpenAt: "2030-01-01T00:00:00Z", salesCloseAt: "2030-01-02T00:00:00Z" }) { id } }`;
const PAUSE = 'mutation ($id: ID!) { updateQueue(input: { id: $id, state: PAUSED }) { id } }';
const REVOKE = `mutation ($queueId: ID!, $userId: ID!) { revokeToken(queueId: $queueId, userId: $userId) { value } }`;

describe.each([
  { DIE: 'before', rows: 0 },
  { DIE: 'after', rows: 1 },
])('a process killed $DIE the commit of an operator', ({ DIE, rows }) => {
  it('has changed a queue and written its row, or neither', async () => {
    const id = await makeQueue(operator, { capacity: 1 });
    const known = await logOf(world);
    await killedAt(DIE, PAUSE, { id });
    const { queue } = await operator.get('query ($id: ID!) { queue(id: $id) { state } }', { id });
    expect(queue.state).toBe(rows === 1 ? 'PAUSED' : 'OPEN');
    expect((await logOf(world)).length - known.length).toBe(rows);
  });

  it('has made a show and written its row, or neither', async () => {
    const concertId = await makeConcert(operator);
    const known = await logOf(world);
    await killedAt(DIE, SHOW, { concertId });
    const { rowCount } = await world.pool.query('select from show where concert_id = $1', [concertId]);
    expect(rowCount).toBe(rows);
    expect((await logOf(world)).length - known.length).toBe(rows);
  });

  it('has ended no place that its row does not tell of', async () => {
    const [queueId, buyer] = [await makeQueue(operator, { capacity: 0 }), await world.buyer()];
    const { value } = await enter(buyer, queueId);
    const known = await logOf(world);
    await killedAt(DIE, REVOKE, { queueId, userId: buyer.id });
    expect((await logOf(world)).length - known.length).toBe(rows);
    expect((await readToken(buyer, value)).status).toBe('WAITING');
    await operator.get(REVOKE, { queueId, userId: buyer.id });
    expect((await readToken(buyer, value)).endReason).toBe('REVOKED');
  });
});
