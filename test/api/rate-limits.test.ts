import { hash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { charge, eventually, makeQueue } from '../support/builders.ts';
import { notify, type Sending, WITH_PROVIDER } from '../support/charges.ts';
import { type Answer, post } from '../support/client.ts';
import { enterWith, issue } from '../support/codes.ts';
import { Socket } from '../support/socket.ts';
import { Stream } from '../support/stream.ts';
import { World } from '../support/world.ts';

const MOST = 3;
const SECONDS = 5;
const REDIS_RATES = [
  'signInsFromAddress',
  'signUps',
  'passwordChanges',
  'priorityCodes',
  'places',
  'holds',
  'claims',
  'charges',
];
const RATE_LIMITS = [
  ...REDIS_RATES.map((rate) => `${rate}=${MOST}/${SECONDS}`),
  'signInsOfName=5/30',
  'orders=16/60',
  'requestsOfUser=40/60',
  'requestsFromAddress=40/60',
].join();

let world: World;
beforeAll(async () => {
  world = await World.open({
    env: { RATE_LIMITS, TRUSTED_PROXIES: '127.0.0.1' },
  });
});
afterAll(() => world.close());

const ID = '00000000-0000-7000-8000-000000000000';
const SIGN_UP = `mutation ($input: CredentialsInput!) { signUp(input: $input) { __typename ... on Problem { code } } }`;
const SIGN_IN = SIGN_UP.replace('signUp', 'signIn');
const PASSWORD = 'correct horse';

let addresses = 0;
/** An address that nobody else has. */
function newAddress(): string {
  addresses++;
  return `203.0.113.${addresses}`;
}

function postFrom(address: string, query: string, variables: object, process = 0): Promise<Answer> {
  return post(world.urls[process] as string, query, variables, { 'x-forwarded-for': address });
}

/** The milliseconds after which to ask again; undefined for an answer that no limit refused. */
function retryAfter({ errors }: Answer): number | undefined {
  const limited = errors?.find(({ extensions }) => extensions.code === 'RATE_LIMITED');
  return limited && (limited.extensions.retryAfterMs ?? Number.NaN);
}

/** Asks at both processes in turn until a limit refuses it. @returns how often it was let through, and the refusal */
async function provoke(ask: (process: number) => Promise<Answer>): Promise<{ passed: number; retryAfterMs: number }> {
  for (let passed = 0; passed < 100; passed++) {
    const retryAfterMs = retryAfter(await ask(passed % 2));
    if (retryAfterMs !== undefined) return { passed, retryAfterMs };
  }
  throw new Error('no limit refused it');
}

type Ask = (process: number) => Promise<Answer>;

async function asBuyer(query: string, variables: object = {}): Promise<Ask> {
  const buyer = await world.buyer();
  return (process) => buyer.at(world.urls[process] as string).ask(query, variables);
}

describe.concurrent('a rate lets through as many as it says, over two processes together, and again after retryAfterMs', () => {
  it.each<[string, () => Promise<Ask>]>([
    ['claims', () => asBuyer(`mutation { claimCoupon(couponId: "${ID}") { __typename } }`)],
    ['entering', () => asBuyer(`mutation { enterQueue(input: { queueId: "${ID}" }) { __typename } }`)],
    ['leaving', () => asBuyer('mutation { leaveQueue(token: "none") { value } }')],
    [
      'priority codes',
      () => asBuyer(`mutation { enterQueue(input: { queueId: "${ID}", priorityCode: "a guess" }) { __typename } }`),
    ],
    [
      'deleting an account that is in use',
      async () => {
        const buyer = await world.buyer(10);
        return (process) => buyer.at(world.urls[process] as string).ask('mutation { deleteMyAccount { __typename } }');
      },
    ],
    ['releasing', () => asBuyer(`mutation { releaseReservation(id: "${ID}") { __typename } }`)],
    [
      'passwords guessed for one name from one address',
      async () => {
        const address = newAddress();
        return (process) => postFrom(address, SIGN_IN, { input: { name: 'a victim', password: 'a guess' } }, process);
      },
    ],
    [
      'sign-ups from one address',
      async () => {
        const address = newAddress();
        let names = 0;
        return (process) => {
          names++;
          return postFrom(
            address,
            SIGN_UP,
            { input: { name: `from ${address} ${names}`, password: PASSWORD } },
            process,
          );
        };
      },
    ],
  ])('%s', async (_what, prepare) => {
    const ask = await prepare();
    const { passed, retryAfterMs } = await provoke(ask);
    expect(passed).toBe(MOST);
    expect(retryAfterMs).toBeGreaterThan(0);
    expect(retryAfterMs).toBeLessThanOrEqual(SECONDS * 1_000);
    expect(retryAfter(await ask(0)), 'the other process refuses it too').toBeDefined();
    await sleep(retryAfterMs + 50);
    expect(retryAfter(await ask(0))).toBeUndefined();
  });
});

describe('a process grants an eighth of a rate by itself, where the rate does not keep a secret', () => {
  it('so that the first uses ask Redis for nothing, and those of all processes together are as many all the same', async () => {
    const ask = await asBuyer(`mutation { cancelOrder(id: "${ID}") { __typename } }`);
    const counted = async () => (await world.redis.keys('onsale:rate:orders:*')).length;
    for (const process of [0, 1, 0, 1]) await ask(process);
    expect(await counted()).toBe(0);
    const { passed } = await provoke(ask);
    expect(4 + passed).toBe(16);
    expect(await counted()).toBe(1);
  });
});

describe('charging', () => {
  it('has a rate where a payment provider completes charges, because they are kept for good; play money has none', async () => {
    const provided = await world.startProcess(WITH_PROVIDER);
    const buyer = await world.buyer();
    let keys = 0;
    const chargeAt = (target: string): Promise<Answer> =>
      buyer
        .at(target)
        .ask('mutation ($key: ID!) { charge(input: { amount: 1, idempotencyKey: $key }) { __typename } }', {
          key: `key ${keys++}`,
        });
    for (let times = 0; times < 2 * MOST; times++) {
      expect((await chargeAt(world.urls[0] as string)).data?.charge.__typename).toBe('LedgerEntry');
    }
    expect((await provoke(() => chargeAt(provided.url))).passed).toBe(MOST);
    const { rowCount } = await world.pool.query('select from pending_charge where user_id = $1', [buyer.id]);
    expect(rowCount).toBe(MOST);
  });
});

describe('webhooks of charges', () => {
  it('that nobody has signed count for their address, and beyond its rate write no line; signed ones never do', async () => {
    const provided = await world.startProcess(WITH_PROVIDER);
    const [forger, provider] = [newAddress(), newAddress()];
    const send = (address: string, sending: Sending = {}) =>
      notify(provided.url, { type: 'refund.created', data: {} }, { address, ...sending });
    const forged = { secret: `whsec_${Buffer.from('a secret that somebody made up').toString('base64')}` };
    const answers = await Promise.all(Array.from({ length: 41 }, () => send(forger, forged)));
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array.from({ length: 40 }, () => 401), 429]);
    const refused = answers.find(({ status }) => status === 429);
    expect(refused?.body.errors[0].extensions).toEqual({ code: 'RATE_LIMITED', retryAfterMs: expect.any(Number) });
    expect((await send(forger)).status, 'signed by the provider').toBe(200);
    expect((await send(provider, forged)).status, 'of another address').toBe(401);
    await eventually(async () => provided.log().split('a webhook of charges was refused').length === 42);
  });
});

describe('signing in', () => {
  const signIn = (address: string, name: string, password: string): Promise<Answer> =>
    postFrom(address, SIGN_IN, { input: { name, password } });
  const typeOf = ({ data }: Answer): string | undefined => data?.signIn.__typename;

  it('is refused for a name that is guessed at from ever new addresses, though the password is right', async () => {
    await postFrom(newAddress(), SIGN_UP, { input: { name: 'guessed at', password: PASSWORD } });
    for (let guesses = 0; guesses < 5; guesses++) {
      expect(typeOf(await signIn(newAddress(), 'guessed at', 'a guess'))).toBe('Refusal');
    }
    const refused = await signIn(newAddress(), 'guessed at', PASSWORD);
    expect(retryAfter(refused)).toBeGreaterThan(0);
    expect(refused.data).toBeNull();
  });

  it('is not refused for guesses from where nobody knows, who may be everybody', async () => {
    await postFrom(newAddress(), SIGN_UP, { input: { name: 'behind a proxy', password: PASSWORD } });
    const fromNowhere = (password: string): Promise<Answer> =>
      post(world.urls[0] as string, SIGN_IN, { input: { name: 'behind a proxy', password } });
    for (let guesses = 0; guesses <= MOST; guesses++) expect(typeOf(await fromNowhere('a guess'))).toBe('Refusal');
    expect(typeOf(await fromNowhere(PASSWORD))).toBe('Session');
  });

  it('is never refused for the address alone: a whole hall signs in from one', async () => {
    const address = newAddress();
    const guesses = await Promise.all(
      Array.from({ length: 60 }, (_, i) => signIn(address, `somebody ${i % 30} of the hall`, 'forgotten')),
    );
    expect(guesses.map(typeOf)).toEqual(guesses.map(() => 'Refusal'));
    const byHash = await fetch(world.urls[0] as string, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-forwarded-for': address },
      body: JSON.stringify({
        variables: { input: { name: 'another of the hall', password: 'forgotten' } },
        extensions: { persistedQuery: { version: 1, sha256Hash: hash('sha256', SIGN_IN) } },
      }),
    });
    expect(await byHash.json()).toMatchObject({ data: { signIn: { __typename: 'Refusal' } } });
  });

  it('does not count when it succeeds', async () => {
    const address = newAddress();
    await postFrom(newAddress(), SIGN_UP, { input: { name: 'comes often', password: PASSWORD } });
    for (let times = 0; times < 2 * MOST; times++) {
      expect(typeOf(await signIn(address, 'comes often', PASSWORD))).toBe('Session');
    }
  });

  it('is not refused for guesses under a name that was worked out to share its count', async () => {
    const digestOf = (name: string): string => hash('sha256', JSON.stringify(name), 'base64url').slice(0, 3);
    await postFrom(newAddress(), SIGN_UP, { input: { name: 'worked out', password: PASSWORD } });
    let tried = 0;
    while (digestOf(`name ${tried}`) !== digestOf('worked out')) tried++;
    for (let guesses = 0; guesses < 5; guesses++) {
      expect(typeOf(await signIn(newAddress(), `name ${tried}`, 'a guess'))).toBe('Refusal');
    }
    expect(typeOf(await signIn(newAddress(), 'worked out', PASSWORD))).toBe('Session');
  });

  it('does not count a name or a password that is too long', async () => {
    const address = newAddress();
    await postFrom(newAddress(), SIGN_UP, { input: { name: 'shouted at', password: PASSWORD } });
    const counted = async () => (await world.redis.keys('onsale:rate:signIns*')).length;
    const before = await counted();
    for (let times = 0; times < 2 * MOST; times++) {
      for (const input of [
        { name: 'shouted at', password: 'x'.repeat(401) },
        { name: 'x'.repeat(201), password: 'a guess' },
      ]) {
        const { errors } = await postFrom(address, SIGN_IN, { input });
        expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
      }
    }
    expect(await counted()).toBeLessThanOrEqual(before);
    expect(typeOf(await signIn(address, 'shouted at', PASSWORD))).toBe('Session');
  });

  it('counts each root field of a document: a password is not guessed by aliases', async () => {
    const fields = Array.from(
      { length: 10 },
      (_, i) => `g${i}: signIn(input: { name: "by aliases", password: "guess ${i}" }) { __typename }`,
    );
    const { data, errors } = await postFrom(newAddress(), `mutation { ${fields.join(' ')} }`, {});
    expect(data).toBeNull();
    expect(errors?.map(({ extensions }) => extensions.code)).toEqual(['RATE_LIMITED']);
    expect(errors?.[0]?.path).toEqual([`g${MOST}`]);
  });
});

it('a priority code that opens the queue does not count, and a guess beyond the rate claims nothing', async () => {
  const operator = await world.operator();
  const queueId = await makeQueue(operator, { capacity: 0 });
  const [owned, wanted] = (await issue(operator, queueId, 5, 2)) as [string, string];
  const buyer = await world.buyer();
  for (let times = 0; times < MOST; times++) {
    expect((await enterWith(buyer, queueId, owned)).__typename).toBe('QueueToken');
  }
  const guesser = await world.buyer();
  for (let guesses = 0; guesses < MOST; guesses++) await enterWith(guesser, queueId, `guess ${guesses}`);
  await expect(enterWith(guesser, queueId, wanted)).rejects.toThrow('RATE_LIMITED');
  const { rows } = await world.pool.query('select count(*)::int as n from priority_code where user_id = $1', [
    guesser.id,
  ]);
  expect(rows[0].n).toBe(0);
});

describe('requests', () => {
  const fields = (count: number): string =>
    `{ ${Array.from({ length: count }, (_, i) => `f${i}: __typename`).join(' ')} }`;

  it('of a user count by root fields, at each process for itself, and operators have no limit', async () => {
    const buyer = await world.buyer();
    const other = await world.buyer();
    expect((await buyer.ask(fields(39))).errors).toBeUndefined();
    const refused = await buyer.ask(fields(2));
    expect({ status: refused.status, data: refused.data }).toEqual({ status: 429, data: undefined });
    expect(retryAfter(refused)).toBeGreaterThan(0);
    expect((await buyer.ask('{ wallet { balance } }')).status, 'a document that has a plan').toBe(429);
    expect((await other.at(buyer.url).ask('{ wallet { balance } }')).status).toBe(200);
    const elsewhere = world.urls.find((url) => url !== buyer.url) as string;
    expect((await buyer.at(elsewhere).ask('{ wallet { balance } }')).status).toBe(200);
    const operator = await world.operator();
    for (let times = 0; times < 3; times++) expect((await operator.ask(fields(39))).status).toBe(200);
    expect(await world.redis.keys('onsale:rate:requests*')).toEqual([]);
  });

  it('of nobody count for the address, but for signIn', async () => {
    const address = newAddress();
    expect((await postFrom(address, fields(40), {})).status).toBe(200);
    expect((await postFrom(address, '{ concerts { edges { node { id } } } }', {})).status).toBe(429);
    expect((await postFrom(address, 'not GraphQL', {})).status).toBe(429);
    const disguised = `{ concerts { edges { node { id } } } } # ${'signIn '.repeat(1_000)}`;
    expect((await postFrom(address, disguised, {})).status).toBe(429);
    expect((await postFrom(address, disguised.slice(0, 100), {})).status).toBe(429);
    expect((await postFrom(address, SIGN_IN, { input: { name: 'of the hall', password: 'wrong' } })).status).toBe(200);
    expect((await postFrom(newAddress(), '{ concerts { edges { node { id } } } }', {})).status).toBe(200);
  });

  it('by GET count too where they are refused for what any page may send, and look like a sign-in', async () => {
    const headers = { 'x-forwarded-for': newAddress() };
    const ask = (number: number): Promise<Response> => {
      const query = `{ wallet { balance } } # signIn ${number}`;
      return fetch(`${world.urls[0]}?query=${encodeURIComponent(query)}`, { headers });
    };
    const answers = await Promise.all(Array.from({ length: 41 }, (_, number) => ask(number)));
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([...Array.from({ length: 40 }, () => 400), 429]);
  });

  it('with a token that is refused count as those of nobody', async () => {
    const address = newAddress();
    const forged = (): Promise<Answer> =>
      post(
        world.urls[0] as string,
        '{ wallet { balance } }',
        {},
        { 'x-forwarded-for': address, authorization: 'Bearer forged' },
      );
    expect((await forged()).status).toBe(401);
    expect((await postFrom(address, fields(39), {})).status).toBe(200);
    expect((await forged()).status).toBe(429);
  });

  it('count over sockets too: a subscription beyond the limit hears RATE_LIMITED', async () => {
    const buyer = await world.buyer();
    await buyer.ask(fields(40));
    const socket = await Socket.ready(buyer.url, buyer.accessToken);
    socket.subscribe('1', 'subscription { queuePosition(token: "none") { status } }');
    const { payload } = await socket.until(({ id }) => id === '1');
    expect(payload).toMatchObject([{ extensions: { code: 'RATE_LIMITED', retryAfterMs: expect.any(Number) } }]);
    await socket.close();
  });
});

describe('documents that are no subscription count before they are read', () => {
  const ofNoUse = ['not GraphQL', '{ settings { currency } }', 'subscription { nothing }', '{ signIn }'];
  const codeOf = ({ errors }: Pick<Answer, 'errors'>): string | undefined => errors?.[0]?.extensions.code;

  it('over a socket', async () => {
    const buyer = await world.buyer();
    const socket = await Socket.ready(buyer.url, buyer.accessToken);
    for (let n = 0; n <= 40; n++) {
      socket.subscribe(`${n}`, ofNoUse[n % ofNoUse.length] as string);
      const { payload } = await socket.until(({ id }) => id === `${n}`);
      expect(codeOf({ errors: payload }) === 'RATE_LIMITED', `document ${n}`).toBe(n === 40);
    }
    expect((await buyer.ask('{ wallet { balance } }')).status).toBe(429);
    await socket.close();
  });

  it('over streams, those of nobody too', async () => {
    const address = newAddress();
    const url = world.urls[0] as string;
    for (let n = 0; n <= 40; n++) {
      const query = ofNoUse[n % ofNoUse.length];
      const stream = await Stream.open(url, { 'x-forwarded-for': address }, { query });
      await stream.over;
      expect(codeOf(stream.results[0]) === 'RATE_LIMITED', `document ${n}`).toBe(n === 40);
    }
    expect((await postFrom(address, '{ settings { currency } }', {})).status).toBe(429);
  });
});

describe('while Redis is away', () => {
  beforeAll(() => world.redisServer.kill());
  afterAll(() => world.redisServer.start());

  it('nobody can guess: signing in and priority codes are closed, and a code stays unclaimed', async () => {
    const address = newAddress();
    const { errors } = await postFrom(address, SIGN_IN, { input: { name: 'a victim', password: 'a guess' } });
    expect(errors?.[0]?.extensions.code).toBe('SERVICE_UNAVAILABLE');
    const buyer = await world.buyer();
    const enter = `mutation { enterQueue(input: { queueId: "${ID}", priorityCode: "a guess" }) { __typename } }`;
    expect(await buyer.fail(enter)).toBe('SERVICE_UNAVAILABLE');
  });

  it('all else is open, money included, also beyond a rate', async () => {
    const buyer = await world.buyer();
    expect((await charge(buyer, 1_000)).__typename).toBe('LedgerEntry');
    for (let times = 0; times < 2 * MOST; times++) {
      expect(await buyer.fail(`mutation { releaseReservation(id: "${ID}") { __typename } }`)).toBe('NOT_FOUND');
    }
    const signUp = await postFrom(newAddress(), SIGN_UP, { input: { name: 'without redis', password: PASSWORD } });
    expect(signUp.data.signUp.__typename).toBe('Session');
  });
});
