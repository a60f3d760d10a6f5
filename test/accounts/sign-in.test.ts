import { setTimeout as sleep } from 'node:timers/promises';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Buyer, type Data, post } from '../support/client.ts';
import { signToken, World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await World.open();
  const answer = await post(world.urls[0] as string, SIGN_UP, { input: { name: 'ada', password: 'correct horse' } });
  expect(answer.data.signUp.__typename).toBe('Session');
});
afterAll(() => world.close());

const FIELDS = `__typename ... on Session { accessToken expiresAt user { id name role } } ... on Problem { code message }`;
const SIGN_UP = `mutation ($input: CredentialsInput!) { signUp(input: $input) { ${FIELDS} } }`;
const SIGN_IN = `mutation ($input: CredentialsInput!) { signIn(input: $input) { ${FIELDS} } }`;
const RENEW = 'mutation { renewSession { accessToken expiresAt user { id name role } } }';

async function signIn(name: string, password: string, url = world.urls[1] as string): Promise<Data> {
  return (await post(url, SIGN_IN, { input: { name, password } })).data.signIn;
}

describe('signIn', () => {
  it('opens a session at any process for whoever knows the password', async () => {
    const session = await signIn('ada', 'correct horse');
    expect(session).toMatchObject({ __typename: 'Session', user: { name: 'ada', role: 'BUYER' } });
    const ada = new Buyer(session.user.id, session.accessToken, world.urls[0] as string);
    expect((await ada.get('{ me { id } }')).me.id).toBe(session.user.id);
  });

  it('answers an unknown name and a wrong password alike, in words and in the order of time', async () => {
    const took: number[] = [];
    const answers: Data[] = [];
    for (const [name, password] of [
      ['ada', 'wrong horse'],
      ['nobody at all', 'wrong horse'],
    ] as const) {
      const start = performance.now();
      answers.push(await signIn(name, password));
      took.push(performance.now() - start);
    }
    expect(answers[0]).toMatchObject({ __typename: 'Refusal', code: 'INVALID_CREDENTIALS' });
    expect(answers[1]).toEqual(answers[0]);
    expect(took[1], 'an unknown name is not told by a quick answer').toBeGreaterThan((took[0] as number) / 5);
  });

  it.each([
    ['another case of the name', 'Ada', 'correct horse'],
    ['a name with NUL', 'ada\0', 'correct horse'],
    ['a password with a space more', 'ada', 'correct horse '],
    ['no password', 'ada', ''],
    ['SQL for a password', 'ada', `' or '1'='1`],
  ])('refuses %s', async (_what, name, password) => {
    expect(await signIn(name, password)).toMatchObject({ __typename: 'Refusal', code: 'INVALID_CREDENTIALS' });
  });

  it('refuses a user without a password of ours', async () => {
    const buyer = await world.buyer();
    expect(await signIn(`buyer ${buyer.id}`.slice(0, 40), '')).toMatchObject({ code: 'INVALID_CREDENTIALS' });
    expect(await signIn(`buyer ${buyer.id}`, 'null null null')).toMatchObject({ code: 'INVALID_CREDENTIALS' });
  });

  it('calls a password that nobody can have BAD_USER_INPUT', async () => {
    const input = { name: 'ada', password: 'x'.repeat(100_000) };
    const { errors } = await post(world.urls[0] as string, SIGN_IN, { input });
    expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
  });
});

describe('an access token', () => {
  it('is a JWT signed with HMAC that names user, issuer, audience and end, and nothing secret', async () => {
    const session = await signIn('ada', 'correct horse');
    expect(decodeProtectedHeader(session.accessToken)).toEqual({ alg: 'HS256' });
    const claims = decodeJwt(session.accessToken);
    expect(Object.keys(claims).sort()).toEqual(['aud', 'exp', 'iat', 'iss', 'role', 'sid', 'sub', 'ver']);
    expect(claims).toMatchObject({ sub: session.user.id, iss: 'onsale', aud: 'onsale', role: 'BUYER' });
    expect((claims.exp as number) * 1_000).toBe(Date.parse(session.expiresAt));
  });
});

describe('renewSession', () => {
  it('gives a new token before the old one ends, and the old one still ends', async () => {
    const { user, accessToken } = await signIn('ada', 'correct horse');
    const url = world.urls[0] as string;
    const { sid } = decodeJwt(accessToken);
    const old = new Buyer(user.id, await signToken(user.id, 'BUYER', '2s', { sid }), url);
    const { renewSession } = await old.get(RENEW);
    expect(renewSession).toMatchObject({ user: { id: user.id, name: 'ada', role: 'BUYER' } });
    await sleep(2_100);
    expect(await old.fail('{ me { id } }')).toBe('UNAUTHENTICATED');
    const renewed = new Buyer(user.id, renewSession.accessToken, url);
    expect((await renewed.get('{ me { id } }')).me.id).toBe(user.id);
  });

  it('tells the role as it is now, not as the old token has it', async () => {
    const { user, accessToken } = await signIn('ada', 'correct horse');
    const { sid } = decodeJwt(accessToken);
    const forged = await signToken(user.id, 'OPERATOR', '1h', { sid });
    const pretender = new Buyer(user.id, forged, world.urls[0] as string);
    const { renewSession } = await pretender.get(RENEW);
    expect(decodeJwt(renewSession.accessToken).role).toBe('BUYER');
  });

  it('refuses a session whose row is gone', async () => {
    const id = '00000000-0000-7000-8000-000000000000';
    const ghost = new Buyer(id, await signToken(id, 'BUYER'), world.urls[0] as string);
    expect(await ghost.fail(RENEW)).toBe('UNAUTHENTICATED');
  });
});
