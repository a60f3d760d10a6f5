import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeConcert, makeQueue } from '../support/builders.ts';
import { Buyer, type Data } from '../support/client.ts';
import { signToken, World } from '../support/world.ts';

let world: World;
let operators: [Buyer, Buyer];
/** Rows of known times, oldest first: of the two operators by turns. */
let queues: string[];
beforeAll(async () => {
  world = await World.open({ processes: 1 });
  const { id } = await world.buyer();
  await world.pool.query(`update user_account set role = 'OPERATOR' where id = $1`, [id]);
  operators = [new Buyer(id, await signToken(id, 'OPERATOR'), world.urls[0] as string), await world.operator()];
  queues = [];
  for (let index = 0; index < 6; index++) {
    queues.push(await makeQueue(operators[index % 2] as Buyer, { capacity: index }));
  }
});
afterAll(() => world.close());

const LOG = `query ($first: Int!, $after: String, $filter: OperatorLogFilter) {
  operatorLog(first: $first, after: $after, filter: $filter) {
    totals { count } pageInfo { hasNextPage endCursor }
    edges { node { id at operatorId requestId mutation subjectIds before after } } } }`;

async function read(filter: object, first = 100, after?: string): Promise<Data> {
  return (await operators[0].get(LOG, { first, after, filter })).operatorLog;
}
const rowsOf = ({ edges }: Data): Data[] => edges.map(({ node }: Data) => node);

it('rows come newest first; pages hold while rows are added, and none is missed or told twice', async () => {
  const whole = rowsOf(await read({ mutation: 'createQueue' }));
  expect(whole.map(({ subjectIds }) => subjectIds[0])).toEqual([...queues].reverse());
  expect(whole.map(({ at }) => at)).toEqual(
    whole
      .map(({ at }) => at)
      .sort()
      .reverse(),
  );
  const paged: Data[] = [];
  for (let after: string | undefined, more = true; more; ) {
    const page = await read({}, 2, after);
    paged.push(...rowsOf(page));
    ({ hasNextPage: more, endCursor: after } = page.pageInfo);
    await makeConcert(operators[0]);
  }
  expect(paged.map(({ id }) => id)).toEqual(whole.map(({ id }) => id));
});

it('a filter selects by operator, mutation, subject and time; all that is given must hold', async () => {
  const [first, second] = operators;
  const filterBy = async (filter: object): Promise<string[]> =>
    rowsOf(await read({ mutation: 'createQueue', ...filter })).map(({ subjectIds }) => subjectIds[0]);
  expect(await filterBy({ operatorId: first.id })).toEqual([queues[4], queues[2], queues[0]]);
  expect(await filterBy({ operatorId: second.id })).toEqual([queues[5], queues[3], queues[1]]);
  expect(await filterBy({ subjectId: queues[3] })).toEqual([queues[3]]);
  expect(await filterBy({ subjectId: queues[3], operatorId: first.id })).toEqual([]);
  expect(await filterBy({ mutation: 'createShow' })).toEqual([]);
  expect(await filterBy({ subjectId: randomUUID() })).toEqual([]);
  await world.pool.query('alter table operator_log disable trigger operator_log_append_only');
  await world.pool.query(
    `update operator_log set at = '2030-01-01T00:00:00Z'::timestamptz + id * interval '1 minute' where subject_ids <@ $1`,
    [queues],
  );
  await world.pool.query('alter table operator_log enable trigger operator_log_append_only');
  const times = rowsOf(await read({ mutation: 'createQueue' })).map(({ at }) => at);
  const [from, to] = [times[3], times[1]];
  expect(await filterBy({ from, to })).toEqual([queues[3], queues[2]]);
  expect(await filterBy({ from })).toEqual([queues[5], queues[4], queues[3], queues[2]]);
  expect(await filterBy({ to })).toEqual([queues[3], queues[2], queues[1], queues[0]]);
});

it('totals count the rows of all pages that the filter selects', async () => {
  const page = await read({ mutation: 'createQueue', operatorId: operators[1].id }, 1);
  expect(rowsOf(page)).toHaveLength(1);
  expect(page.totals).toEqual({ count: 3 });
});

it('a filter or a page that cannot be is BAD_USER_INPUT', async () => {
  for (const filter of [
    { operatorId: 'x' },
    { subjectId: 'x' },
    { mutation: '\0' },
    { mutation: '' },
    { subjectId: '' },
    { mutation: 'x'.repeat(101) },
  ]) {
    expect(await operators[0].fail(LOG, { first: 1, filter })).toBe('BAD_USER_INPUT');
  }
  const upsideDown = { from: '2026-01-02T00:00:00Z', to: '2026-01-01T00:00:00Z' };
  expect(await operators[0].fail(LOG, { first: 1, filter: upsideDown })).toBe('BAD_USER_INPUT');
  expect(await operators[0].fail(LOG, { first: 0 })).toBe('BAD_USER_INPUT');
  expect(await operators[0].fail(LOG, { first: 1, after: 'x' })).toBe('BAD_USER_INPUT');
});

it.each([`update operator_log set mutation = 'none'`, `delete from operator_log`, `truncate operator_log`])(
  'PostgreSQL refuses: %s',
  async (statement) => {
    await expect(world.pool.query(statement)).rejects.toThrow('only ever added to');
  },
);
