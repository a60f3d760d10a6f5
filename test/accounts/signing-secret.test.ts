import { afterAll, beforeAll, expect, it } from 'vitest';
import { Buyer, post } from '../support/client.ts';
import { World } from '../support/world.ts';

const UNSET = { AUTH_SECRET: '' };

let world: World;
beforeAll(async () => {
  world = await World.open({ processes: 0, env: UNSET });
  await Promise.all([world.startProcess(), world.startProcess()]);
});
afterAll(() => world.close());

const SIGN_UP = `mutation ($input: CredentialsInput!) { signUp(input: $input) { ... on Session { accessToken user { id } } } }`;

async function signUp(url: string, name: string): Promise<Buyer> {
  const { data } = await post(url, SIGN_UP, { input: { name, password: 'correct horse' } });
  return new Buyer(data.signUp.user.id, data.signUp.accessToken, url);
}

it('is made once: a token of each process is accepted by the other, also when both sign their first at once', async () => {
  const [a, b] = world.urls as [string, string];
  const [ada, bob] = await Promise.all([signUp(a, 'ada'), signUp(b, 'bob')]);
  expect((await ada.at(b).get('{ me { name } }')).me.name).toBe('ada');
  expect((await bob.at(a).get('{ me { name } }')).me.name).toBe('bob');
  const { rows } = await world.pool.query(`select value from setting where name = 'auth-secret'`);
  expect(rows).toHaveLength(1);
  expect(rows[0].value).toMatch(/^[0-9a-f]{64}$/);
});

it('outlives every process: a token is accepted after a restart', async () => {
  const eve = await signUp(world.urls[0] as string, 'eve');
  for (const running of world.processes.splice(0)) await running.stop();
  const { url } = await world.startProcess();
  expect((await eve.at(url).get('{ me { name } }')).me.name).toBe('eve');
});

it('is not used where AUTH_SECRET is set: tokens of one are nothing to the other', async () => {
  const kept = world.urls[0] as string;
  const other = await world.startProcess({ AUTH_SECRET: 'another secret, also long enough to sign with' });
  const mallory = await signUp(other.url, 'mallory');
  expect((await mallory.get('{ me { name } }')).me.name).toBe('mallory');
  expect(await mallory.at(kept).fail('{ me { name } }')).toBe('UNAUTHENTICATED');
});
