import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { type Data, post } from '../support/client.ts';
import { World } from '../support/world.ts';

let world: World;
let dataDir: string;
beforeAll(async () => {
  world = await World.open({ processes: 0 });
  dataDir = await mkdtemp(join(tmpdir(), 'onsale-operator-'));
});
afterEach(async () => {
  await Promise.all(world.processes.splice(0).map((running) => running.stop()));
});
afterAll(async () => {
  await world.close();
  await rm(dataDir, { recursive: true });
});

const SIGN_IN = `mutation ($input: CredentialsInput!) { signIn(input: $input) {
  ... on Session { accessToken user { id name role } } ... on Problem { code } } }`;

async function signIn(url: string, name: string, password: string): Promise<Data> {
  return (await post(url, SIGN_IN, { input: { name, password } })).data.signIn;
}

async function operators(): Promise<{ name: string; password_hash: string }[]> {
  const text = `select name, password_hash from user_account where role = 'OPERATOR' order by name`;
  return (await world.pool.query(text)).rows;
}

const GENERATED = { OPERATOR_NAME: '', OPERATOR_PASSWORD: '' };

it('is made at the first start with a password that only DATA_DIR and whoever started it know', async () => {
  const { url, log } = await world.startProcess({ ...GENERATED, DATA_DIR: dataDir, LOG_LEVEL: 'trace' });
  const file = join(dataDir, 'operator');
  const [, name, password] = /^OPERATOR_NAME=(.+)\nOPERATOR_PASSWORD=(.+)\n$/.exec(await readFile(file, 'utf8')) ?? [];
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(password?.length).toBeGreaterThanOrEqual(20);
  expect(log()).not.toContain(password);
  const session = await signIn(url, name as string, password as string);
  expect(session).toMatchObject({ user: { name: 'operator', role: 'OPERATOR' } });
  const { data } = await post(
    url,
    '{ queue(id: "00000000-0000-7000-8000-000000000000") { id } }',
    {},
    {
      authorization: `Bearer ${session.accessToken}`,
    },
  );
  expect(data).toEqual({ queue: null });
});

it('is not made where its password cannot be kept: the start fails and leaves no account behind', async () => {
  const file = join(dataDir, 'operator');
  await expect(
    world.startProcess({ OPERATOR_NAME: 'second', OPERATOR_PASSWORD: '', DATA_DIR: join(file, 'below') }),
  ).rejects.toThrow(/ended with 1/);
  expect((await operators()).map(({ name }) => name)).toEqual(['operator']);
});

it('is not taken from the buyers by name alone', async () => {
  const buyer = await world.pool.query(
    `insert into user_account (id, name, role) values (gen_random_uuid(), 'a buyer', 'BUYER') returning id`,
  );
  await world.pool.query('insert into wallet (user_id) values ($1)', [buyer.rows[0].id]);
  await expect(world.startProcess({ OPERATOR_NAME: 'a buyer', OPERATOR_PASSWORD: '' })).rejects.toThrow(
    'set OPERATOR_PASSWORD too',
  );
  expect((await operators()).map(({ name }) => name)).toEqual(['operator']);
});

it('is kept by the next start: neither another account nor another password', async () => {
  const before = await operators();
  expect(before).toHaveLength(1);
  const elsewhere = await mkdtemp(join(tmpdir(), 'onsale-operator-'));
  await world.startProcess({ ...GENERATED, DATA_DIR: elsewhere });
  expect(await operators()).toEqual(before);
  expect(await readdir(elsewhere)).toEqual([]);
  await rm(elsewhere, { recursive: true });
});

it('has the name and password that OPERATOR_NAME and OPERATOR_PASSWORD set, and the later password wins', async () => {
  const first = await world.startProcess({ OPERATOR_NAME: 'boss', OPERATOR_PASSWORD: 'the first password' });
  expect(await signIn(first.url, 'boss', 'the first password')).toMatchObject({ user: { role: 'OPERATOR' } });
  const second = await world.startProcess({ OPERATOR_NAME: 'boss', OPERATOR_PASSWORD: 'the second password' });
  expect(await signIn(second.url, 'boss', 'the second password')).toMatchObject({ user: { role: 'OPERATOR' } });
  expect(await signIn(first.url, 'boss', 'the first password')).toEqual({ code: 'INVALID_CREDENTIALS' });
  expect((await operators()).map(({ name }) => name)).toEqual(['boss', 'operator']);
});

it('has a wallet, as every user does', async () => {
  const text = `select count(*)::int as n from user_account u left join wallet w on w.user_id = u.id where w.user_id is null`;
  expect((await world.pool.query(text)).rows).toEqual([{ n: 0 }]);
});

it('is one account with one hash however many processes start at once with the same OPERATOR_PASSWORD', async () => {
  const env = { OPERATOR_NAME: 'crew', OPERATOR_PASSWORD: 'the password of the crew' };
  const started = await Promise.all([1, 2].map(() => world.startProcess(env)));
  expect((await operators()).filter(({ name }) => name === 'crew')).toHaveLength(1);
  for (const { url } of started) {
    expect(await signIn(url, 'crew', env.OPERATOR_PASSWORD)).toMatchObject({ user: { role: 'OPERATOR' } });
  }
});
