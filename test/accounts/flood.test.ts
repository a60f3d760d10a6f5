import { Agent, request } from 'node:http';
import { json } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { charge, eventually } from '../support/builders.ts';
import { type Answer, Buyer, post } from '../support/client.ts';
import { connectionsTo } from '../support/connections.ts';
import { makeProduct, payOrder, placeOrder } from '../support/shop.ts';
import { World } from '../support/world.ts';

const PASSWORD = 'correct horse';
const SIGN_UP = `mutation ($input: CredentialsInput!) { signUp(input: $input) { __typename
  ... on Session { accessToken user { id } } ... on Problem { code } } }`;
const SIGN_IN = SIGN_UP.replace('signUp', 'signIn');

let world: World;
let url: string;
beforeAll(async () => {
  // The rates are off: what holds here holds by the order of hashes alone.
  const env = { TRUSTED_PROXIES: '127.0.0.1', HASH_MEMORY_KIB: '19456', HASH_PASSES: '2' };
  world = await World.open({ processes: 1, preload: './tell-hashes.ts', env });
  url = world.urls[0] as string;
  await post(url, SIGN_UP, { input: { name: 'ada', password: PASSWORD } });
  await world.pool.query(
    `with made as (
       insert into user_account (id, name, role, password_hash)
       select gen_random_uuid(), 'somebody ' || number, 'BUYER', (select password_hash from user_account where name = 'ada')
       from generate_series(0, 999) number returning id
     ) insert into wallet (user_id, balance) select id, 0 from made`,
  );
});
afterAll(() => world.close());

async function hashOf(name: string): Promise<string> {
  const { rows } = await world.pool.query('select password_hash from user_account where name = $1', [name]);
  return rows[0]?.password_hash;
}

/** @param address of the client, as a proxy tells it; left out for one that the proxy does not tell */
function signIn(name: string, password: string, at = url, address?: string): Promise<Answer> {
  return post(at, SIGN_IN, { input: { name, password } }, forwardedFor(address));
}

function forwardedFor(address: string | undefined): Record<string, string> {
  return address === undefined ? {} : { 'x-forwarded-for': address };
}

interface Guesses {
  readonly nameOf: (i: number) => string;
  readonly addressOf?: (i: number) => string;
  readonly at?: string;
}

/** Sends wrong sign-ins, each on a connection of its own. @returns a function that closes all of them at once */
function flood({ nameOf, addressOf, at = url }: Guesses, count: number) {
  const agent = new Agent({ maxSockets: 500 });
  const answers: Promise<Answer>[] = [];
  const requests = Array.from({ length: count }, (_, i) => {
    const body = JSON.stringify({ query: SIGN_IN, variables: { input: { name: nameOf(i), password: 'a guess' } } });
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      ...forwardedFor(addressOf?.(i)),
    };
    const sent = request(at, { method: 'POST', agent, headers }, (response) => {
      const answer = json(response) as Promise<Answer>;
      answer.catch(() => undefined);
      answers.push(answer);
    });
    sent.on('error', () => undefined);
    sent.end(body);
    return sent;
  });
  return { answers, cut: () => requests.forEach((sent) => void sent.destroy()) };
}

describe('while one client floods with wrong sign-ins', () => {
  it.each<[string, number, Guesses]>([
    ['of names that nobody has', 6_000, { nameOf: (i) => `nobody ${i}` }],
    [
      'of one name, from many addresses',
      1_000,
      { nameOf: () => 'ada', addressOf: (i) => `2001:db8:${i.toString(16)}::1` },
    ],
    [
      'of many names, from one address',
      1_000,
      { nameOf: (i) => `somebody ${i % 1_000}`, addressOf: () => '203.0.113.1' },
    ],
  ])('%s, another signs in, orders and pays', async (_what, count, guesses) => {
    const name = `another beside ${guesses.nameOf(0)}`;
    await post(url, SIGN_UP, { input: { name, password: PASSWORD } });
    const productId = await makeProduct(await world.operator(), { price: 100, stock: 5 });
    const sent = flood(guesses, count);
    await eventually(() => sent.answers.length > 5);
    const { data, errors } = await signIn(name, PASSWORD, url, '203.0.113.2');
    expect(errors).toBeUndefined();
    const session = data.signIn;
    expect(session.__typename).toBe('Session');
    const buyer = new Buyer(session.user.id, session.accessToken, url);
    await charge(buyer, 1_000);
    const order = await placeOrder(buyer, { [productId]: 1 });
    expect(await payOrder(buyer, order.id)).toMatchObject({ __typename: 'Payment', status: 'COMPLETED' });
    expect(sent.answers.length, 'the flood is not over').toBeLessThan(count);
    sent.cut();
  });
});

it('of more sign-ins than may wait those of the name that most ask for are refused, and not who came first', async () => {
  const slow = await world.startProcess({ HASHES_AT_ONCE: '1', HASH_PASSES: '60' });
  // Nobody has the name: it is hashed as slowly as a new password is, and meanwhile all others wait.
  const first = signIn('nobody', PASSWORD, slow.url);
  await eventually(() => slow.messages.some(({ type }) => type === 'hashed'));
  const bob = signIn('somebody 1', PASSWORD, slow.url, '203.0.113.2');
  const nameOf = () => 'ada';
  const guesses = flood({ nameOf, addressOf: (i) => `2001:db8:${i.toString(16)}::1`, at: slow.url }, 230);
  expect((await bob).data.signIn.__typename).toBe('Session');
  expect((await first).data.signIn.code).toBe('INVALID_CREDENTIALS');
  const refused = async () => (await Promise.all(guesses.answers)).filter(({ errors }) => errors);
  await eventually(async () => (await refused()).length >= 28);
  for (const { errors } of await refused()) {
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'RATE_LIMITED', retryAfterMs: expect.any(Number) });
  }
  guesses.cut();
  await slow.stop();
});

/** How many passwords the process has hashed so far. */
function hashed(): number {
  return world.processes[0]?.messages.filter(({ type }) => type === 'hashed').length ?? 0;
}

describe('nothing is hashed', () => {
  it('for clients that are gone', async () => {
    const guesses = flood({ nameOf: (i) => `gone ${i}` }, 150);
    await eventually(() => guesses.answers.length > 0);
    guesses.cut();
    await eventually(async () => (await connectionsTo(url)).length < 10);
    const before = hashed();
    // Sign-ups take turns with those guesses: had these not been dropped, as many would have been hashed meanwhile.
    for (let i = 0; i < 10; i++)
      await post(url, SIGN_UP, { input: { name: `after the flood ${i}`, password: PASSWORD } });
    expect(hashed() - before).toBeLessThan(20);
  });

  it('for a sign-up whose name is taken, and for names and passwords that nobody can have', async () => {
    const before = hashed();
    expect((await post(url, SIGN_UP, { input: { name: 'ada', password: PASSWORD } })).data.signUp.code).toBe(
      'NAME_TAKEN',
    );
    for (const query of [SIGN_UP, SIGN_IN]) {
      const longName = await post(url, query, { input: { name: 'a'.repeat(10_240), password: PASSWORD } });
      expect(longName.errors?.[0]?.extensions).toEqual({ code: 'BAD_USER_INPUT', argument: 'input.name' });
      const longPassword = await post(url, query, { input: { name: 'ada', password: 'x'.repeat(30_000) } });
      expect(longPassword.errors?.[0]?.extensions).toEqual({ code: 'BAD_USER_INPUT', argument: 'input.password' });
      const huge = await post(url, query, { input: { name: 'ada', password: 'x'.repeat(1_048_576) } });
      expect(huge.status).toBe(413);
    }
    expect(hashed()).toBe(before);
  });
});

describe('the cost of hashes', () => {
  it('is configured, and a weaker hash is replaced when its password is given again, and only then', async () => {
    const weak = await hashOf('ada');
    expect(weak).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    const strong = await world.startProcess({ HASH_MEMORY_KIB: '20000', HASH_PASSES: '3' });
    expect((await signIn('ada', 'a guess', strong.url)).data.signIn.code).toBe('INVALID_CREDENTIALS');
    expect(await hashOf('ada')).toBe(weak);
    expect((await signIn('ada', PASSWORD, strong.url)).data.signIn.__typename).toBe('Session');
    const stronger = await hashOf('ada');
    expect(stronger).toMatch(/^\$argon2id\$v=19\$m=20000,t=3,p=1\$/);
    expect((await signIn('ada', PASSWORD)).data.signIn.__typename, 'at a process that asks for less').toBe('Session');
    expect(await hashOf('ada'), 'no hash is made weaker').toBe(stronger);
    await strong.stop();
  });
});
