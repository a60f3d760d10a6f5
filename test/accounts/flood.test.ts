import { Agent, request } from 'node:http';
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
  world = await World.open({ processes: 1, preload: './tell-hashes.ts' });
  url = world.urls[0] as string;
  await post(url, SIGN_UP, { input: { name: 'ada', password: PASSWORD } });
});
afterAll(() => world.close());

async function hashOf(name: string): Promise<string> {
  const { rows } = await world.pool.query('select password_hash from user_account where name = $1', [name]);
  return rows[0]?.password_hash;
}

function signIn(name: string, password: string, at = url): Promise<Answer> {
  return post(at, SIGN_IN, { input: { name, password } });
}

/** Sends wrong sign-ins, each on a connection of its own. @returns a function that closes all of them at once */
function flood(nameOf: (i: number) => string, count: number): { answered: () => number; cut: () => void } {
  const agent = new Agent({ maxSockets: 500 });
  let answered = 0;
  const requests = Array.from({ length: count }, (_, i) => {
    const body = JSON.stringify({ query: SIGN_IN, variables: { input: { name: nameOf(i), password: 'a guess' } } });
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const sent = request(url, { method: 'POST', agent, headers }, (response) => {
      answered++;
      response.resume();
    });
    sent.on('error', () => undefined);
    sent.end(body);
    return sent;
  });
  return { answered: () => answered, cut: () => requests.forEach((sent) => void sent.destroy()) };
}

describe('while one client floods with wrong sign-ins', () => {
  it.each<[string, (i: number) => string]>([
    ['of names that nobody has', (i) => `nobody ${i}`],
    ['of one name', () => 'ada'],
  ])('%s, another signs in, orders and pays', async (_what, nameOf) => {
    const name = `another beside ${nameOf(0)}`;
    await post(url, SIGN_UP, { input: { name, password: PASSWORD } });
    const productId = await makeProduct(await world.operator(), { price: 100, stock: 5 });
    const guesses = flood(nameOf, 6_000);
    await eventually(() => guesses.answered() > 5);
    const { data, errors } = await signIn(name, PASSWORD);
    expect(errors).toBeUndefined();
    const session = data.signIn;
    expect(session.__typename).toBe('Session');
    const buyer = new Buyer(session.user.id, session.accessToken, url);
    await charge(buyer, 1_000);
    const order = await placeOrder(buyer, { [productId]: 1 });
    expect(await payOrder(buyer, order.id)).toMatchObject({ __typename: 'Payment', status: 'COMPLETED' });
    expect(guesses.answered(), 'the flood is not over').toBeLessThan(6_000);
    guesses.cut();
  });
});

/** How many passwords the process has hashed so far. */
function hashed(): number {
  return world.processes[0]?.messages.filter(({ type }) => type === 'hashed').length ?? 0;
}

describe('nothing is hashed', () => {
  it('for clients that are gone', async () => {
    const guesses = flood((i) => `gone ${i}`, 150);
    await eventually(() => guesses.answered() > 0);
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
