import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, makeShow } from '../support/builders.ts';
import { type Data, post } from '../support/client.ts';
import { type Browser, newcomer, openSessions, PASSWORD, SESSION } from '../support/sessions.ts';
import { Socket } from '../support/socket.ts';
import { Stream } from '../support/stream.ts';
import { World } from '../support/world.ts';

let world: World;
let urls: string[];
let here: string;
let there: string;
/** A subscription that tells nothing while nothing is sold. */
let watching: string;
beforeAll(async () => {
  world = await World.open();
  // This one hears of nothing, and has to read what ended.
  await world.startProcess({}, './deaf-to-endings.ts');
  urls = world.urls;
  [here, there] = urls as [string, string];
  const { id } = await makeShow(await world.operator());
  watching = `subscription { seatChanges(showId: "${id}") { resync } }`;
});
afterAll(() => world.close());

/** A way to end sessions: who signed up ends those of `person`. */
interface Way {
  /** Ends the session of `person`; `twin` is the same user at another browser. */
  readonly end: (person: Browser, twin: Browser) => Promise<unknown>;
  /** Whether the session of `twin` goes on. */
  readonly leaves: 'the other session' | 'nothing';
}

const CHANGE = `mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { ${SESSION} } }`;

const WAYS: Record<string, Way> = {
  signOut: {
    end: async (person) => expect((await person.asUser('mutation { signOut }')).data.signOut).toBe(true),
    leaves: 'the other session',
  },
  'a cookie that is used twice': {
    end: async (person) => {
      const thief = person.elsewhere();
      thief.cookie = person.cookie;
      expect(await person.renew()).toMatchObject({ user: { id: person.id } });
      await world.pool.query(
        `update session set rotated_at = rotated_at - interval '31 s' where rotated_at is not null and user_id = $1`,
        [person.id],
      );
      expect(await thief.renew()).toBe('UNAUTHENTICATED');
      expect(thief.cookie).toBe('');
    },
    leaves: 'the other session',
  },
  'signing in anew at the same browser': {
    end: async (person) => {
      const again = person.elsewhere(there);
      again.cookie = person.cookie;
      await again.enter('signIn', { remember: true });
    },
    leaves: 'the other session',
  },
  'a sign-in beyond 100 sessions': {
    end: async (person) => {
      await openSessions(world, person, 98);
      await person.elsewhere(there).enter('signIn');
    },
    leaves: 'the other session',
  },
  signOutEverywhere: {
    end: async (_person, twin) =>
      expect((await twin.asUser('mutation { signOutEverywhere }')).data.signOutEverywhere).toBe(true),
    leaves: 'nothing',
  },
  changePassword: {
    end: async (_person, twin) => {
      const input = { oldPassword: PASSWORD, newPassword: 'another horse' };
      const { data } = await twin.elsewhere(there).ask(CHANGE, { input }, authorizationOf(twin));
      expect(data.changePassword.__typename).toBe('Session');
    },
    leaves: 'nothing',
  },
  setRole: {
    end: async ({ id }) => {
      const query = `mutation { setRole(input: { userId: "${id}", role: OPERATOR }) { ... on User { role } } }`;
      expect((await (await world.operator()).get(query)).setRole).toEqual({ role: 'OPERATOR' });
    },
    leaves: 'nothing',
  },
  deleteMyAccount: {
    end: async (_person, twin) =>
      expect((await twin.asUser('mutation { deleteMyAccount { __typename } }')).data.deleteMyAccount).toEqual({
        __typename: 'User',
      }),
    leaves: 'nothing',
  },
  'another OPERATOR_PASSWORD': {
    end: async ({ name }) => {
      const started = await world.startProcess({ OPERATOR_NAME: name, OPERATOR_PASSWORD: 'another horse' });
      await started.stop();
      world.processes.splice(world.processes.indexOf(started), 1);
    },
    leaves: 'nothing',
  },
};

const authorizationOf = ({ accessToken }: Browser) => ({ authorization: `Bearer ${accessToken}` });

const codeOf = ({ errors }: { errors?: Data }): string => errors?.[0]?.extensions.code ?? 'good';

/** Ways in which an access token or a cookie is used anew, each with the code that it is answered. */
const TRANSPORTS: Record<string, (person: Browser, url: string) => Promise<string>> = {
  'a query': async (person, url) => codeOf(await post(url, '{ me { id } }', {}, authorizationOf(person))),
  'a mutation': async (person, url) => {
    const query = 'mutation { releaseReservation(id: "00000000-0000-7000-8000-000000000000") { __typename } }';
    return codeOf(await post(url, query, {}, authorizationOf(person))).replace('NOT_FOUND', 'good');
  },
  GET: async (person, url) => {
    const headers = { ...authorizationOf(person), 'apollo-require-preflight': 'yes' };
    return codeOf((await (await fetch(`${url}?query={me{id}}`, { headers })).json()) as { errors?: Data });
  },
  'a WebSocket': async (person, url) => {
    const socket = await Socket.open(url);
    socket.send({ type: 'connection_init', payload: authorizationOf(person) });
    const ack = socket.until(({ type }) => type === 'connection_ack').then(() => 'good');
    const answer = await Promise.race([
      ack,
      socket.closed.then(({ code }) => (code === 4403 ? 'UNAUTHENTICATED' : '')),
    ]);
    ack.catch(() => undefined);
    if (socket.isOpen) await socket.close();
    return answer;
  },
  'a stream': async (person, url) => {
    const stream = await Stream.subscribe(url, person.accessToken, watching);
    stream.close();
    return stream.status === 200 ? 'good' : stream.status === 401 ? 'UNAUTHENTICATED' : `${stream.status}`;
  },
  'renewSession by the access token': async (person, url) =>
    codeOf(await post(url, 'mutation { renewSession { expiresAt } }', {}, authorizationOf(person))),
};

/** The code of each transport at each process. */
async function statesOf(person: Browser): Promise<Record<string, string[]>> {
  const states: Record<string, string[]> = {};
  for (const [name, use] of Object.entries(TRANSPORTS)) {
    states[name] = await Promise.all(urls.map((url) => use(person, url)));
  }
  return states;
}

const all = (state: string): Record<string, string[]> =>
  Object.fromEntries(Object.keys(TRANSPORTS).map((name) => [name, urls.map(() => state)]));

/** A socket and a stream at each process, each with a subscription. */
async function listen(person: Browser): Promise<{ sockets: Socket[]; streams: Stream[] }> {
  const sockets = await Promise.all(urls.map((url) => Socket.ready(url, person.accessToken)));
  for (const socket of sockets) socket.subscribe('seats', watching);
  await Promise.all(sockets.map((socket) => socket.settle()));
  const streams = await Promise.all(urls.map((url) => Stream.subscribe(url, person.accessToken, watching)));
  return { sockets, streams };
}

// At the same time, because each waits for the process that hears of nothing.
describe.concurrent.each(Object.entries(WAYS))('%s', (_name, { end, leaves }) => {
  it(`ends the session on every transport of every process, and leaves ${leaves} of the user and those of others`, async () => {
    const [person, other] = await Promise.all([newcomer(here, { remember: true }), newcomer(here)]);
    const twin = person.elsewhere(there);
    await twin.enter('signIn', { remember: true });
    const [ending, staying, others] = await Promise.all([listen(person), listen(twin), listen(other)]);
    expect(await statesOf(person)).toEqual(all('good'));
    await end(person, twin);

    for (const socket of ending.sockets) expect(await socket.closed).toEqual({ code: 4403, reason: 'Forbidden' });
    for (const stream of ending.streams) {
      expect(await stream.over).toBe('ended');
      expect(stream.events).toMatchObject([
        { event: 'next', data: { errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] } },
        { event: 'complete' },
      ]);
    }
    expect(await statesOf(person)).toEqual(all('UNAUTHENTICATED'));
    expect(await person.renew()).toBe('UNAUTHENTICATED');
    expect(person.cookie).toBe('');

    if (leaves === 'nothing') {
      for (const socket of staying.sockets) expect((await socket.closed).code).toBe(4403);
      expect(await statesOf(twin)).toEqual(all('UNAUTHENTICATED'));
      expect(await twin.renew()).toBe('UNAUTHENTICATED');
    } else {
      expect(await statesOf(twin)).toEqual(all('good'));
      expect(await twin.renew()).toMatchObject({ user: { id: person.id } });
      expect(staying.sockets.every(({ isOpen }) => isOpen)).toBe(true);
    }
    expect(await statesOf(other)).toEqual(all('good'));
    expect(others.sockets.every(({ isOpen }) => isOpen)).toBe(true);
    expect(others.streams.flatMap(({ events }) => events)).toEqual([]);
    for (const { sockets, streams } of [ending, staying, others]) {
      await Promise.all(sockets.filter(({ isOpen }) => isOpen).map((socket) => socket.close()));
      for (const stream of streams) stream.close();
    }
  });
});

it('a process that starts knows what has ended before', async () => {
  const [person, other] = [await newcomer(here), await newcomer(here)];
  await person.asUser('mutation { signOut }');
  await other.asUser('mutation { signOutEverywhere }');
  const { url } = await world.startProcess();
  expect([await person.state(url), await other.state(url)]).toEqual(['UNAUTHENTICATED', 'UNAUTHENTICATED']);
  await eventually(async () => (await person.state(there)) === 'UNAUTHENTICATED');
});
