import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeShow } from '../support/builders.ts';
import { post } from '../support/client.ts';
import { World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await World.open({ processes: 1 });
  await makeShow(await world.operator());
});
afterAll(() => world.close());

const refused = { errors: [{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }] };

it.each([
  '{ concerts { edges { node { shows { concert { shows { concert { shows { id } } } } } } } } }',
  `{ concerts { edges { node { ...Dates } } } }
   fragment Dates on Concert { shows { concert { ...More } } }
   fragment More on Concert { shows { ... on Show { concert { shows { id } } } } }`,
])('lists that multiply one another are refused before anything is read: %s', async (query) => {
  const answer = await post(world.urls[0] as string, query);
  expect(answer).toMatchObject({ status: 400, ...refused });
  expect(answer.data).toBeUndefined();
});

it('what pages really ask for is served', async () => {
  const buyer = await world.buyer();
  await buyer.get('{ concerts { edges { node { shows { id concert { title shows { id } } } } } } }');
  await buyer.get(`{ wallet { entries { edges { node { payment { payable {
    ... on Reservation { seats { id } show { concert { shows { id } } } } } } } } } } }`);
});

it('a body that is no JSON gets an error of the same shape as every other', async () => {
  const send = async (body: string, type: string): Promise<unknown> => {
    const response = await fetch(world.urls[0] as string, { method: 'POST', headers: { 'content-type': type }, body });
    return { status: response.status, ...((await response.json()) as object) };
  };
  const shape = { errors: [{ message: expect.any(String), extensions: { code: 'BAD_REQUEST' } }] };
  expect(await send('{', 'application/json')).toMatchObject({ status: 400, ...shape });
  expect(await send('x'.repeat(600_000), 'application/json')).toMatchObject({ status: 413, ...shape });
  expect(await send('<a/>', 'application/xml')).toMatchObject({ status: 415, ...shape });
});
