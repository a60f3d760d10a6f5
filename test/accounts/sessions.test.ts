import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/builders.ts';
import { post } from '../support/client.ts';
import { newcomer } from '../support/sessions.ts';
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
});
