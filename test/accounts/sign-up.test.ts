import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Buyer, type Data, post } from '../support/client.ts';
import { World } from '../support/world.ts';

const PASSWORD = 'a password that nobody may read';

let world: World;
beforeAll(async () => {
  world = await World.open({ env: { LOG_LEVEL: 'trace' } });
});
afterAll(() => world.close());

const SIGN_UP = `mutation ($input: CredentialsInput!) { signUp(input: $input) { __typename
  ... on Session { accessToken expiresAt user { id name role createdAt } } ... on Problem { code message } } }`;

async function signUp(name: string, password = PASSWORD, url = world.urls[0] as string): Promise<Data> {
  return (await post(url, SIGN_UP, { input: { name, password } })).data.signUp;
}

async function countUsers(): Promise<number> {
  return (await world.pool.query('select count(*)::int as n from user_account')).rows[0].n;
}

describe('signUp', () => {
  it('makes a BUYER who is signed in and has an empty wallet', async () => {
    const before = Date.now();
    const session = await signUp('Ada Lovelace');
    expect(session).toMatchObject({ __typename: 'Session', user: { name: 'Ada Lovelace', role: 'BUYER' } });
    const minutes = (Date.parse(session.expiresAt) - before) / 60_000;
    expect(minutes).toBeGreaterThan(59.9);
    expect(minutes).toBeLessThan(60.1);
    for (const url of world.urls) {
      const ada = new Buyer(session.user.id, session.accessToken, url);
      expect(await ada.get('{ me { id name role } wallet { balance entries { edges { node { id } } } } }')).toEqual({
        me: { id: session.user.id, name: 'Ada Lovelace', role: 'BUYER' },
        wallet: { balance: 0, entries: { edges: [] } },
      });
    }
  });

  it('answers with what the new user has, as signIn does', async () => {
    const user = '... on Session { user { wallet { balance } orders { edges { cursor } } tokens { status } } }';
    const has = { user: { wallet: { balance: 0 }, orders: { edges: [] }, tokens: [] } };
    const input = { name: 'Grace Hopper', password: PASSWORD };
    for (const verb of ['signUp', 'signIn']) {
      const mutation = `mutation ($input: CredentialsInput!) { ${verb}(input: $input) { ${user} } }`;
      expect((await post(world.urls[0] as string, mutation, { input })).data[verb]).toEqual(has);
    }
  });

  it('gives a name to one of all who ask for it at once over two processes', async () => {
    const users = await countUsers();
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, i) => signUp('everybody', `${PASSWORD} ${i}`, world.urls[i % 2])),
    );
    expect(answers.filter(({ __typename }) => __typename === 'Session')).toHaveLength(1);
    expect(answers.filter(({ code }) => code === 'NAME_TAKEN')).toHaveLength(5);
    expect(await countUsers()).toBe(users + 1);
    const { rows } = await world.pool.query('select count(*)::int as n from wallet');
    expect(rows[0].n, 'a wallet for each user').toBe(users + 1);
  });

  it('tells NAME_TAKEN, and leaves the password of the one who has the name as it was', async () => {
    await signUp('taken');
    const hash = async () =>
      (await world.pool.query(`select password_hash from user_account where name = 'taken'`)).rows;
    const kept = await hash();
    expect(await signUp('taken', 'another password')).toMatchObject({ __typename: 'Refusal', code: 'NAME_TAKEN' });
    expect(await hash()).toEqual(kept);
  });

  it.each([
    ['no name', '', PASSWORD],
    ['a name of 2 characters', 'ab', PASSWORD],
    ['a name of 41 characters', 'a'.repeat(41), PASSWORD],
    ['a name of 30,000 characters', 'a'.repeat(30_000), PASSWORD],
    ['a name with NUL', 'ab\0cd', PASSWORD],
    ['a name with a line break', 'ab\ncd', PASSWORD],
    ['a name with an escape', 'ab\u001b[31mcd', PASSWORD],
    ['a name with C1 controls', 'ab\u0085cd', PASSWORD],
    ['a name with a space before it', ' abcd', PASSWORD],
    ['a name with a space behind it', 'abcd\u00a0', PASSWORD],
    ['a name with half a surrogate pair', 'abc\ud83d', PASSWORD],
    ['no password', 'somebody', ''],
    ['a password of 7 characters', 'somebody', '1234567'],
    ['a password of 7 emoji, which are 14 code units', 'somebody', '🎟'.repeat(7)],
    ['a password of 201 characters', 'somebody', 'x'.repeat(201)],
    ['a password with NUL', 'somebody', 'long enough\0'],
  ])('refuses %s as BAD_USER_INPUT and makes nobody', async (_what, name, password) => {
    const users = await countUsers();
    const { data, errors } = await post(world.urls[0] as string, SIGN_UP, { input: { name, password } });
    expect(data).toBeNull();
    expect(errors).toMatchObject([{ path: ['signUp'], extensions: { code: 'BAD_USER_INPUT' } }]);
    expect(errors?.[0]?.message.length).toBeLessThan(200);
    expect(await countUsers()).toBe(users);
  });

  it('takes the shortest and the longest names and passwords there are, and any script', async () => {
    for (const [name, password] of [
      ['abc', '12345678'],
      ['n'.repeat(40), 'x'.repeat(200)],
      ['🎟'.repeat(40), '비밀번호-여덟자'],
    ] as const) {
      expect(await signUp(name, password)).toMatchObject({ __typename: 'Session', user: { name } });
    }
  });

  it('writes a password into no row and no log line', async () => {
    const secret = 'hunter2-hunter2-hunter2';
    const { user } = await signUp('keeps a secret', secret);
    await signUp('keeps a secret', secret);
    const { rows } = await world.pool.query('select * from user_account where id = $1', [user.id]);
    expect(rows[0].password_hash).toMatch(/^\$argon2id\$v=19\$m=\d+,t=\d+,p=\d+\$/);
    expect(JSON.stringify(rows)).not.toContain(secret);
    for (const { log } of world.processes) expect(log()).not.toContain(secret);
  });
});
