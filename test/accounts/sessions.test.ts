import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/builders.ts';
import { type Data, post } from '../support/client.ts';
import { type Browser, newcomer, openSessions, PASSWORD, SESSION } from '../support/sessions.ts';
import { World } from '../support/world.ts';

let world: World;
let here: string;
let there: string;
beforeAll(async () => {
  world = await World.open();
  [here, there] = world.urls as [string, string];
});
afterAll(() => world.close());

describe('me', () => {
  it('is null when nobody is signed in', async () => {
    expect(await post(here, '{ me { id } }')).toEqual({ status: 200, data: { me: null }, errors: undefined });
  });
});

describe('signOut', () => {
  it('ends the session at every process, and no other of the same user', async () => {
    const phone = await newcomer(here);
    const desk = phone.elsewhere();
    await desk.enter('signIn');
    expect(await phone.state(there)).toBe('signed in');
    expect((await phone.asUser('mutation { signOut }')).data).toEqual({ signOut: true });
    expect(await phone.state()).toBe('UNAUTHENTICATED');
    await eventually(async () => (await phone.state(there)) === 'UNAUTHENTICATED');
    expect(await desk.state()).toBe('signed in');
    expect(await desk.state(there)).toBe('signed in');
  });
});

describe('signOutEverywhere', () => {
  it('ends all sessions of the user, and of nobody else; who signs in again is signed in', async () => {
    const [phone, other] = [await newcomer(here), await newcomer(here)];
    const desk = phone.elsewhere(there);
    await desk.enter('signIn');
    expect((await phone.asUser('mutation { signOutEverywhere }')).data).toEqual({ signOutEverywhere: true });
    expect(await phone.state()).toBe('UNAUTHENTICATED');
    await eventually(async () => (await desk.state()) === 'UNAUTHENTICATED');
    await desk.enter('signIn');
    expect([await desk.state(here), await desk.state(there), await other.state()]).toEqual(Array(3).fill('signed in'));
  });
});

it('a user has at most 100 sessions: one more ends the oldest, and no other', async () => {
  const [phone, other] = [await newcomer(here), await newcomer(here)];
  await openSessions(world, phone, 99);
  const live = async () => {
    const text = 'select from session where user_id = $1 and ended_at is null';
    return (await world.pool.query(text, [phone.id])).rowCount;
  };
  expect(await live()).toBe(100);
  expect(await phone.state()).toBe('signed in');
  const desk = phone.elsewhere();
  await desk.enter('signIn');
  expect(await live()).toBe(100);
  for (const url of [here, there]) {
    await eventually(async () => (await phone.state(url)) === 'UNAUTHENTICATED');
    expect([await desk.state(url), await other.state(url)]).toEqual(['signed in', 'signed in']);
  }
});

describe('a cookie', () => {
  it('is given only to who asks to be remembered, and only GraphQL gets it, and no script', async () => {
    expect((await newcomer(here)).setCookie).toBeUndefined();
    const { setCookie } = await newcomer(here, { remember: true });
    expect(setCookie).toMatch(
      /^onsale-session=[\w-]{22}\.[\w-]{43}; Path=\/graphql; Max-Age=2592000; HttpOnly; SameSite=Strict$/,
    );
  });

  it('signs nobody in: renewSession alone reads it', async () => {
    const user = await newcomer(here, { remember: true });
    expect((await user.ask('{ me { id } }')).data).toEqual({ me: null });
    expect((await user.ask('{ wallet { balance } }')).errors[0].extensions.code).toBe('UNAUTHENTICATED');
    expect((await user.ask('mutation { signOut }')).errors[0].extensions.code).toBe('UNAUTHENTICATED');
    expect(await user.renew()).toMatchObject({ user: { id: user.id } });
    expect(await user.state()).toBe('signed in');
  });

  it('is another one after each use, at any process, and PostgreSQL has none of them', async () => {
    const user = await newcomer(here, { remember: true });
    const cookies = [user.cookie];
    for (const url of [there, here, there]) {
      const next = user.elsewhere(url);
      next.cookie = cookies.at(-1) as string;
      expect(await next.renew()).toMatchObject({ user: { id: user.id } });
      cookies.push(next.cookie);
    }
    expect(new Set(cookies).size).toBe(4);
    const { rows } = await world.pool.query(
      'select encode(series, $2) as series, encode(cookie, $2) as cookie from session where user_id = $1',
      [user.id, 'escape'],
    );
    for (const part of cookies.flatMap((cookie) => cookie.slice('onsale-session='.length).split('.'))) {
      expect(JSON.stringify(rows)).not.toContain(part);
    }
  });

  it('that two send at the same time at two processes is answered both, with the same next one', async () => {
    const user = await newcomer(here, { remember: true });
    const browsers = [here, there, here, there].map((url) =>
      Object.assign(user.elsewhere(url), { cookie: user.cookie }),
    );
    const answers = await Promise.all(browsers.map((browser) => browser.renew()));
    for (const answer of answers) expect(answer).toMatchObject({ user: { id: user.id } });
    expect(new Set(browsers.map(({ cookie }) => cookie)).size).toBe(1);
    expect(browsers[0]?.cookie).not.toBe(user.cookie);
    // Whose answer got lost asks again.
    expect(await user.renew()).toMatchObject({ user: { id: user.id } });
    expect(user.cookie).toBe(browsers[0]?.cookie);
  });

  it.each([
    ['of nobody', () => `onsale-session=${'A'.repeat(22)}.${'A'.repeat(43)}`],
    ['whose series was altered', (cookie: string) => cookie.replace(/=./, (sign) => (sign === '=A' ? '=B' : '=A'))],
    ['that is cut short', (cookie: string) => cookie.slice(0, -1)],
    ['with more behind it', (cookie: string) => `${cookie}A`],
    ['that is empty', () => 'onsale-session='],
    ['of 6 KB', () => `onsale-session=${'A'.repeat(6_000)}`],
  ])('%s is refused, and changes nothing', async (_what, alter) => {
    const user = await newcomer(here, { remember: true });
    const sessions = async () => (await world.pool.query('select * from session where user_id = $1', [user.id])).rows;
    const before = await sessions();
    const stranger = user.elsewhere();
    stranger.cookie = alter(user.cookie);
    expect(await stranger.renew()).toBe('UNAUTHENTICATED');
    expect(await sessions()).toEqual(before);
    expect(await user.state()).toBe('signed in');
    expect(await user.renew()).toMatchObject({ user: { id: user.id } });
  });

  it('is over 30 days after its last use', async () => {
    const user = await newcomer(here, { remember: true });
    const age = (days: number) =>
      world.pool.query(`update session set lasts_until = lasts_until - make_interval(days => $2) where user_id = $1`, [
        user.id,
        days,
      ]);
    await age(29);
    expect(await user.renew()).toMatchObject({ user: { id: user.id } });
    await age(29);
    expect(await user.renew()).toMatchObject({ user: { id: user.id } });
    await age(30);
    expect(await user.renew()).toBe('UNAUTHENTICATED');
    expect(user.setCookie).toMatch(/^onsale-session=; Path=\/graphql; Max-Age=0;/);
  });

  it('is forgotten by the browser at signOut, and when somebody signs in without being remembered', async () => {
    const user = await newcomer(here, { remember: true });
    const copy = user.cookie;
    await user.enter('signIn');
    expect(user.cookie).toBe('');
    user.cookie = copy;
    await user.asUser('mutation { signOut }');
    expect(user.cookie).toBe('');
  });

  it('that a new sign-in replaces renews its session no longer, which has ended at every process; others go on', async () => {
    const user = await newcomer(here, { remember: true });
    const desk = user.elsewhere();
    await desk.enter('signIn', { remember: true });
    for (const remember of [true, false]) {
      const before = Object.assign(user.elsewhere(there), { cookie: user.cookie, accessToken: user.accessToken });
      expect(await before.state()).toBe('signed in');
      await user.enter('signIn', { remember });
      await eventually(async () => (await before.state()) === 'UNAUTHENTICATED');
      expect(await before.renew()).toBe('UNAUTHENTICATED');
      expect(await user.state(there)).toBe('signed in');
    }
    expect(await desk.renew()).toMatchObject({ user: { id: user.id } });
  });

  it('has Secure in production, and pages of allowed origins may send it', async () => {
    const { url } = await world.startProcess({ NODE_ENV: 'production', CORS_ORIGINS: 'https://tickets.example.com' });
    expect((await newcomer(url, { remember: true })).setCookie).toMatch(/; HttpOnly; SameSite=Strict; Secure$/);
    const allowed = async (origin: string) => {
      const headers = { origin, 'access-control-request-method': 'POST' };
      const answer = await fetch(url, { method: 'OPTIONS', headers });
      return [
        answer.headers.get('access-control-allow-origin'),
        answer.headers.get('access-control-allow-credentials'),
      ];
    };
    expect(await allowed('https://tickets.example.com')).toEqual(['https://tickets.example.com', 'true']);
    expect((await allowed('https://evil.example.com'))[0]).toBeNull();
  });
});

describe('changePassword', () => {
  const CHANGE = `mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { ${SESSION} } }`;
  const change = (user: Browser, input: object): Promise<Data> =>
    user.asUser(CHANGE, { input: { oldPassword: PASSWORD, newPassword: 'another horse', ...input } });

  it('answers a new session, and from then on only the new password signs in', async () => {
    const user = await newcomer(here, { remember: true });
    const old = user.accessToken;
    user.take((await change(user, { remember: true })).data.changePassword);
    expect(user.accessToken).not.toBe(old);
    await eventually(async () => (await user.state(there)) === 'signed in');
    expect(await user.renew()).toMatchObject({ user: { id: user.id } });
    expect(await user.elsewhere(there).enter('signIn')).toEqual({ __typename: 'Refusal', code: 'INVALID_CREDENTIALS' });
    expect(await user.elsewhere().enter('signIn', { password: 'another horse' })).toMatchObject({
      user: { id: user.id },
    });
  });

  it.each([
    ['a wrong old password', { oldPassword: 'wrong horse' }, 'INVALID_CREDENTIALS'],
    ['no old password', { oldPassword: '' }, 'INVALID_CREDENTIALS'],
    ['an old password of 1 KB', { oldPassword: 'x'.repeat(1_000) }, 'BAD_USER_INPUT'],
    ['a new password of 7 characters', { newPassword: '1234567' }, 'BAD_USER_INPUT'],
    ['a new password of 201 characters', { newPassword: 'x'.repeat(201) }, 'BAD_USER_INPUT'],
    ['a new password with NUL', { newPassword: 'long enough\0' }, 'BAD_USER_INPUT'],
  ])('refuses %s, and changes nothing', async (_what, input, code) => {
    const user = await newcomer(here);
    const { data, errors } = await change(user, input);
    expect(errors?.[0].extensions.code ?? data.changePassword.code).toBe(code);
    expect(await user.state()).toBe('signed in');
    expect(await user.elsewhere().enter('signIn')).toMatchObject({ user: { id: user.id } });
  });

  it('of two at the same time carries out one: the other is told that its session has ended', async () => {
    const user = await newcomer(here);
    const ends = await Promise.all(
      [here, there].map(async (url, index) => {
        const at = Object.assign(user.elsewhere(url), { accessToken: user.accessToken });
        const { data, errors } = await change(at, { newPassword: `horse number ${index}` });
        return errors?.[0].extensions.code ?? data.changePassword.code ?? 'Session';
      }),
    );
    expect(ends.filter((end) => end === 'Session')).toHaveLength(1);
    expect(['UNAUTHENTICATED', 'INVALID_CREDENTIALS']).toContain(ends.find((end) => end !== 'Session'));
    const right = ends.indexOf('Session');
    expect(await user.elsewhere().enter('signIn', { password: `horse number ${right}` })).toMatchObject({
      user: { id: user.id },
    });
  });
});
