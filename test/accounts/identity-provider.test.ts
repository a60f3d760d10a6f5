import { setTimeout as sleep } from 'node:timers/promises';
import { generateKeyPair } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/builders.ts';
import { type Answer, post } from '../support/client.ts';
import { IdentityProvider } from '../support/identity-provider.ts';
import { Socket } from '../support/socket.ts';
import { signToken, World } from '../support/world.ts';

let provider: IdentityProvider;
let world: World;
beforeAll(async () => {
  provider = await IdentityProvider.open();
  world = await World.open({ env: { AUTH_JWKS_URL: provider.url, AUTH_ROLE_CLAIM: 'https://onsale/roles' } });
});
afterAll(async () => {
  await world.close();
  await provider.close();
});

const ME = '{ me { id name role } wallet { balance } }';

async function ask(claims: Record<string, unknown>, query = ME, url = world.urls[0] as string): Promise<Answer> {
  return post(url, query, {}, { authorization: `Bearer ${await provider.sign(claims)}` });
}

async function rowsOf(subject: string): Promise<{ id: string; issuer: string; name: string }[]> {
  return (await world.pool.query('select id, issuer, name from user_account where subject = $1', [subject])).rows;
}

describe('with AUTH_JWKS_URL', () => {
  it('makes the row of a user and a wallet at the first of 20 requests at once over two processes', async () => {
    const token = await provider.sign({ sub: 'crowd', preferred_username: 'the crowd' });
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        post(world.urls[i % 2] as string, ME, {}, { authorization: `Bearer ${token}` }),
      ),
    );
    const rows = await rowsOf('crowd');
    expect(rows).toMatchObject([{ issuer: 'https://id.example.com/', name: 'the crowd' }]);
    for (const { data } of answers) {
      expect(data).toEqual({ me: { id: rows[0]?.id, name: 'the crowd', role: 'BUYER' }, wallet: { balance: 0 } });
    }
    await ask({ sub: 'crowd', preferred_username: 'renamed' });
    expect(await rowsOf('crowd')).toEqual(rows);
  });

  it('takes the same subject of two issuers for two users', async () => {
    const [one, two] = [await ask({ sub: 'twin' }), await ask({ sub: 'twin', iss: 'https://other.example.com/' })];
    expect(one.data.me.id).not.toBe(two.data.me.id);
    expect(await rowsOf('twin')).toHaveLength(2);
  });

  it.each([
    ['OPERATOR', 'OPERATOR'],
    ['operator', 'OPERATOR'],
    [['staff', 'OPERATOR'], 'OPERATOR'],
    [['staff'], 'BUYER'],
    ['ROOT', 'BUYER'],
    [{ OPERATOR: true }, 'BUYER'],
    [undefined, 'BUYER'],
  ])('reads the role from AUTH_ROLE_CLAIM: %j is %s, whatever other claims say', async (claim, role) => {
    const answer = await ask(
      { sub: `role ${JSON.stringify(claim)}`, 'https://onsale/roles': claim, role: 'OPERATOR' },
      '{ me { role } queue(id: "00000000-0000-7000-8000-000000000000") { id } }',
    );
    expect(answer.data).toEqual({ me: { role }, queue: null });
    const codes = (answer.errors ?? []).map(({ extensions }) => extensions.code);
    expect(codes).toEqual(role === 'OPERATOR' ? [] : ['FORBIDDEN']);
  });

  it('refuses whatever the provider keeps: sign-up, sessions, passwords and roles, and makes no account', async () => {
    const input = 'input: { name: "newcomer", password: "correct horse" }';
    for (const field of [`signUp(${input}) { __typename }`, `signIn(${input}) { __typename }`]) {
      const { errors } = await post(world.urls[0] as string, `mutation { ${field} }`);
      expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
    }
    const passwords = 'input: { oldPassword: "correct horse", newPassword: "wrong horse" }';
    for (const field of [
      'renewSession { accessToken }',
      'signOut',
      'signOutEverywhere',
      `changePassword(${passwords}) { __typename }`,
      'setRole(input: { userId: "00000000-0000-7000-8000-000000000000", role: BUYER }) { __typename }',
    ]) {
      const { errors } = await ask({ sub: 'ada', 'https://onsale/roles': 'OPERATOR' }, `mutation { ${field} }`);
      expect(errors, field).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
    }
    const { rows } = await world.pool.query(`select 1 from user_account where name = 'newcomer'`);
    expect(rows).toEqual([]);
  });

  it('deletes and exports an account: who comes back with the same token is somebody new, and sockets have closed', async () => {
    const token = await provider.sign({ sub: 'leaver', preferred_username: 'a leaver' });
    const headers = { authorization: `Bearer ${token}` };
    const [here = '', there = ''] = world.urls;
    const idAt = async (url: string) => (await post(url, '{ me { id } }', {}, headers)).data.me.id;
    const id = await idAt(here);
    expect(await idAt(there)).toBe(id);
    const sockets = await Promise.all(world.urls.map((url) => Socket.ready(url, token)));
    const { exportMyData } = (await post(here, '{ exportMyData }', {}, headers)).data;
    expect(exportMyData.account).toMatchObject([{ id, name: 'a leaver', subject: 'leaver' }]);

    const { data } = await post(here, 'mutation { deleteMyAccount { ... on User { name } } }', {}, headers);
    expect(data.deleteMyAccount).toEqual({ name: `deleted-${id}` });
    for (const socket of sockets) expect((await socket.closed).code).toBe(4403);
    const next = await idAt(there);
    expect(next).not.toBe(id);
    expect(await idAt(here)).toBe(next);
    expect(await rowsOf('leaver')).toMatchObject([{ id: next }]);
  });

  it('takes who comes back long after the deletion for somebody new, also at a process that was asked in between', async () => {
    const { url, child } = await world.startProcess({}, './clock-ahead.ts');
    const token = await provider.sign({ sub: 'returner', exp: Math.floor(Date.now() / 1_000) + 24 * 3_600 });
    const who = async () => (await post(url, '{ me { id } }', {}, { authorization: `Bearer ${token}` })).data.me.id;
    const id = await who();
    // As a deletion leaves it when endings are forgotten.
    await world.pool.query(
      `update user_account set name = 'deleted-' || id, issuer = null, subject = null, session_version = session_version + 1,
       deleted_at = now() - interval '80 minutes', sessions_ended_at = now() - interval '80 minutes' where id = $1`,
      [id],
    );
    child.send(40 * 60_000);
    // The cache looks at the clock once a second.
    await sleep(1_500);
    expect(await who(), 'what is kept answers, else this test shows nothing').toBe(id);
    child.send(40 * 60_000);
    await eventually(async () => (await who()) !== id);
    expect(await rowsOf('returner')).toMatchObject([{ id: await who() }]);
  });

  it('names users as the provider does, made fit to be kept', async () => {
    for (const [sub, name, kept] of [
      ['nul', 'a\0b', 'a b'],
      ['long', '🎟'.repeat(50), '🎟'.repeat(40)],
      ['blank', '   ', 'blank'],
      ['number', 7, 'number'],
      ['broken', 'x\ud83d', 'x\ufffd'],
    ] as const) {
      const { data } = await ask({ sub, preferred_username: name });
      expect(data.me.name).toBe(kept);
    }
  });

  it.each([
    ['no subject', { sub: null }],
    ['no issuer', { iss: null }],
    ['no end', { exp: null }],
    ['an end that has passed', { exp: 1_000_000_000 }],
    ['a subject with NUL', { sub: 'a\0b' }],
    ['a subject of 256 characters', { sub: 'x'.repeat(256) }],
    ['an empty subject', { sub: '' }],
    ['a beginning in the future', { nbf: 9_999_999_998, exp: 9_999_999_999 }],
  ])('refuses a token with %s, with 401 and without a row', async (_what, claims) => {
    const count = async () => (await world.pool.query('select count(*) from user_account')).rows;
    const before = await count();
    const { status, errors } = await ask(claims);
    expect(status).toBe(401);
    expect(errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }]);
    expect(await count()).toEqual(before);
  });

  it('refuses tokens signed by anybody else, our own included, over HTTP and WebSocket', async () => {
    const { privateKey } = await generateKeyPair('RS256');
    const { id } = await world.buyer();
    for (const token of [await provider.sign({}, privateKey), await signToken(id, 'OPERATOR')]) {
      const answer = await post(world.urls[0] as string, ME, {}, { authorization: `Bearer ${token}` });
      expect(answer).toMatchObject({ status: 401, errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] });
      const socket = await Socket.open(world.urls[0] as string);
      socket.send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } });
      expect((await socket.closed).code).toBe(4403);
    }
  });

  it('accepts a good token over WebSocket, and asks the provider for its keys rarely', async () => {
    const asked = provider.asked;
    const socket = await Socket.ready(world.urls[1] as string, await provider.sign({ sub: 'listener' }));
    await socket.close();
    expect(await rowsOf('listener')).toHaveLength(1);
    expect(provider.asked - asked).toBeLessThanOrEqual(1);
  });
});

describe('with AUTH_ISSUER and AUTH_AUDIENCE', () => {
  it('refuses tokens of another issuer or for another audience', async () => {
    const { url } = await world.startProcess({ AUTH_ISSUER: 'https://id.example.com/', AUTH_AUDIENCE: 'onsale' });
    const statuses = async (claims: object) => (await ask({ sub: 'strict', ...claims }, ME, url)).status;
    expect(await statuses({ iss: 'https://evil.example.com/' })).toBe(401);
    expect(await statuses({ aud: 'another shop' })).toBe(401);
    expect(await statuses({ aud: null })).toBe(401);
    expect(await rowsOf('strict')).toEqual([]);
    expect(await statuses({ aud: ['another shop', 'onsale'] })).toBe(200);
    expect(await rowsOf('strict')).toHaveLength(1);
  });
});

describe('while the provider is away', () => {
  afterEach(() => {
    provider.broken = undefined;
  });

  it('is SERVICE_UNAVAILABLE, however it is broken, and needs no restart when it is back', async () => {
    const { url } = await world.startProcess();
    for (const broken of [
      { status: 500, body: 'oops' },
      { status: 200, body: '<html>' },
      { status: 200, body: '{"keys":7}' },
    ]) {
      provider.broken = broken;
      const away = await ask({ sub: 'patient' }, '{ settings { currency } }', url);
      expect(away, broken.body).toMatchObject({
        status: 503,
        errors: [{ extensions: { code: 'SERVICE_UNAVAILABLE' } }],
      });
    }
    const socket = await Socket.open(url);
    const authorization = `Bearer ${await provider.sign({ sub: 'patient' })}`;
    socket.send({ type: 'connection_init', payload: { authorization } });
    expect((await socket.closed).code).toBe(1013);
    expect(await rowsOf('patient')).toEqual([]);
    provider.broken = undefined;
    expect((await ask({ sub: 'patient' }, ME, url)).status).toBe(200);
  });

  it('one that nobody can reach is SERVICE_UNAVAILABLE within 3 seconds', async () => {
    const gone = await IdentityProvider.open();
    const { url } = await world.startProcess({ AUTH_JWKS_URL: gone.url });
    await gone.close();
    const start = performance.now();
    const { errors } = await ask({}, ME, url);
    expect(errors).toMatchObject([{ extensions: { code: 'SERVICE_UNAVAILABLE' } }]);
    expect(performance.now() - start).toBeLessThan(3_000);
  });
});
