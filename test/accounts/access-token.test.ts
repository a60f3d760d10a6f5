import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { post } from '../support/client.ts';
import { Socket } from '../support/socket.ts';
import { AUTH_SECRET, signToken, World } from '../support/world.ts';

let world: World;
let id: string;
beforeAll(async () => {
  world = await World.open({ processes: 1 });
  ({ id } = await world.buyer());
});
afterAll(() => world.close());

/** A token needs the id of a session; only sessions that have ended are looked up. */
const SESSION = '00000000-0000-7000-8000-000000000000';

interface Claims {
  alg?: string;
  key?: string;
  iss?: string;
  aud?: string;
  sub?: string;
  sid?: unknown;
  ver?: unknown;
  role?: string;
  exp?: number | string;
}

function sign({ alg = 'HS256', key = AUTH_SECRET, exp = '1h', ...claims }: Claims): Promise<string> {
  const payload = { sub: id, role: 'BUYER', iss: 'onsale', aud: 'onsale', sid: SESSION, ver: 0, ...claims };
  return new SignJWT(payload)
    .setProtectedHeader({ alg })
    .setIssuedAt()
    .setExpirationTime(exp)
    .sign(new TextEncoder().encode(key));
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}

const operatorClaims = () => ({
  ...{ sub: id, role: 'OPERATOR', iss: 'onsale', aud: 'onsale' },
  ...{ sid: SESSION, ver: 0, exp: 9_999_999_999 },
});

/** A header for each way in which one can be wrong. */
const BAD: Record<string, () => Promise<string> | string> = {
  'a token with alg none': () => {
    return `Bearer ${encode({ alg: 'none' })}.${encode(operatorClaims())}.`;
  },
  'a token signed with another key': async () => `Bearer ${await sign({ key: `${AUTH_SECRET}!` })}`,
  'a token signed with another algorithm': async () =>
    `Bearer ${await sign({ alg: 'HS512', key: AUTH_SECRET.repeat(2) })}`,
  'a token whose role was altered': async () => {
    const [header, , signature] = (await sign({})).split('.');
    return `Bearer ${header}.${encode(operatorClaims())}.${signature}`;
  },
  'a token of another audience': async () => `Bearer ${await sign({ aud: 'another shop' })}`,
  'a token of another issuer': async () => `Bearer ${await sign({ iss: 'another shop' })}`,
  'a token that is over': async () => `Bearer ${await sign({ exp: Math.floor(Date.now() / 1_000) - 1 })}`,
  'a token without an end': async () => {
    const endless = new SignJWT({ sub: id, role: 'BUYER', iss: 'onsale', aud: 'onsale', sid: SESSION, ver: 0 });
    return `Bearer ${await endless.setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(AUTH_SECRET))}`;
  },
  'a token of nobody': async () => `Bearer ${await sign({ sub: 'nobody' })}`,
  'a token without a session': async () => `Bearer ${await sign({ sid: undefined })}`,
  'a token of a session that is no id': async () => `Bearer ${await sign({ sid: 'mine' })}`,
  'a token without a version': async () => `Bearer ${await sign({ ver: undefined })}`,
  'a token whose version is no number': async () => `Bearer ${await sign({ ver: '0' })}`,
  'a token with a role that there is not': async () => `Bearer ${await sign({ role: 'ADMIN' })}`,
  garbage: () => 'Bearer garbage',
  'three dots': () => 'Bearer ...',
  'an empty token': () => 'Bearer ',
  'a name and password': () => `Basic ${Buffer.from('ada:correct horse').toString('base64')}`,
  'a token without its scheme': () => sign({}),
  'an empty header': () => '',
};

describe.each(Object.keys(BAD))('%s', (what) => {
  it('is UNAUTHENTICATED with status 401 also on a public field, and nothing is executed', async () => {
    const authorization = (await BAD[what]?.()) as string;
    const url = world.urls[0] as string;
    const name = `stranger ${Math.random()}`;
    for (const query of [
      '{ settings { currency } }',
      '{ me { id } }',
      `mutation { signUp(input: { name: "${name}", password: "correct horse" }) { __typename } }`,
    ]) {
      const { status, data, errors } = await post(url, query, {}, { authorization });
      expect({ status, data: data ?? null }).toEqual({ status: 401, data: null });
      expect(errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }]);
    }
    const { rows } = await world.pool.query('select 1 from user_account where name = $1', [name]);
    expect(rows).toEqual([]);
  });

  it('closes a WebSocket with 4403 before it is acknowledged', async () => {
    const socket = await Socket.open(world.urls[0] as string);
    socket.send({ type: 'connection_init', payload: { authorization: await BAD[what]?.() } });
    expect(await socket.closed).toEqual({ code: 4403, reason: 'Forbidden' });
    expect(socket.messages).toEqual([]);
  });
});

describe('a WebSocket', () => {
  it.each([[{ authorization: 7 }], [{ authorization: { Bearer: 'x' } }], [{ authorization: ['Bearer x'] }]])(
    'is closed with 4403 for %j',
    async (payload) => {
      const socket = await Socket.open(world.urls[0] as string);
      socket.send({ type: 'connection_init', payload });
      expect((await socket.closed).code).toBe(4403);
    },
  );

  it('is acknowledged without a token, and with one that is good', async () => {
    for (const token of [undefined, await signToken(id, 'BUYER')]) {
      const socket = await Socket.ready(world.urls[0] as string, token);
      await socket.settle();
      expect(socket.isOpen).toBe(true);
      await socket.close();
    }
  });
});

it('the scheme of the header may be written in any case', async () => {
  const authorization = `bearer ${await signToken(id, 'BUYER')}`;
  const { data } = await post(world.urls[0] as string, '{ me { id } }', {}, { authorization });
  expect(data).toEqual({ me: { id } });
});
