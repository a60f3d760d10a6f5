import { execFile } from 'node:child_process';
import { on } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { makeConcert, makeQueue, makeShow } from '../support/builders.ts';
import { type Buyer, type Data, post } from '../support/client.ts';
import { update } from '../support/places.ts';
import { type Fate, type Passed, RecordingProxy } from '../support/recording-proxy.ts';
import { scratchFolder } from '../support/scratch.ts';
import { World } from '../support/world.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url));
const PERSISTED = join(EXAMPLES, 'relay/persisted.json');
const PRICE = 80_000;
const UNAVAILABLE = { errors: [{ message: 'try again', extensions: { code: 'SERVICE_UNAVAILABLE' } }] };

const run = promisify(execFile);

/** Starts a program of the examples with the Node.js of the tests. */
function start(args: string[], env: Record<string, string> = {}) {
  return run(process.execPath, args, { cwd: EXAMPLES, timeout: 60_000, env: { ...process.env, ...env } });
}

/** What it has written when it ends; fails where it does. */
async function outputOf(started: ReturnType<typeof start>): Promise<string> {
  const { stdout } = await started.catch((error) => {
    throw new Error(`${error.cmd}: ${error.stdout}${error.stderr}`);
  });
  return stdout;
}

const runTool = (name: string, ...args: string[]): Promise<string> =>
  outputOf(start([`node_modules/.bin/${name}`, ...args]));

let world: World;
let proxy: RecordingProxy;
let operator: Buyer;
/** The list of Relay as it was before its compiler ran. */
let persistedBefore: string;

beforeAll(async () => {
  persistedBefore = await readFile(PERSISTED, 'utf8');
  await Promise.all([runTool('graphql-codegen', '--config', 'codegen.ts'), runTool('relay-compiler')]);
  await runTool('vite', 'build', '--config', 'relay/vite.config.ts');
  world = await World.open({ processes: 1, env: { RATE_LIMITS: '' } });
  proxy = await RecordingProxy.open(world.urls[0] as string);
  operator = await world.operator();
  await Promise.all([1, 2, 3].map(() => makeConcert(operator)));
});
afterEach(() => proxy.reset());
afterAll(async () => {
  proxy.close();
  await world.close();
});

/** A concert behind a queue of its own. */
async function makeSale(capacity = 1): Promise<{ slug: string; queueId: string }> {
  const queueId = await makeQueue(operator, { capacity });
  const { concertId } = await makeShow(operator, { price: PRICE }, queueId);
  const { concert } = await operator.get('query ($id: ID!) { concert(id: $id) { slug } }', { id: concertId });
  return { slug: concert.slug, queueId };
}

/** Runs an example until it ends. @returns what it has written */
async function buy(program: string[], url: string, env: Record<string, string> = {}): Promise<string> {
  const { slug } = await makeSale();
  return outputOf(start([...program, url, slug], env));
}

/** Waits until a program has written a text; fails when it ends before. */
async function written({ child }: ReturnType<typeof start>, text: string): Promise<void> {
  let told = '';
  for await (const chunk of on(child.stdout!, 'data', { close: ['end'] })) {
    told += chunk;
    if (told.includes(text)) return;
  }
  throw new Error(`it ended without ${text}: ${told}`);
}

/** Who an example says that it signed up as. */
const buyerOf = (output: string): string => /^signed up as (.+)$/m.exec(output)?.[1] ?? '';

/** What a buyer has: seats with a ticket, and the movements of the wallet. */
async function possessionsOf(name: string): Promise<object> {
  const tickets = `select seat.label from ticket join seat on seat.id = ticket.seat_id join reservation on reservation.id
    = ticket.reservation_id join user_account on user_account.id = reservation.user_id where user_account.name = $1`;
  const entries = `select kind, amount from entry join user_account on user_account.id = entry.wallet_id
    where user_account.name = $1 order by entry.seq`;
  const [{ rows: seats }, { rows: movements }] = await Promise.all([
    world.pool.query(tickets, [name]),
    world.pool.query(entries, [name]),
  ]);
  return {
    seats: seats.map(({ label }) => label),
    movements: movements.map(({ kind, amount }) => [kind, Number(amount)]),
  };
}

/** What a request asks for by the name of its operation, which Relay begins and ends in its own way. */
const mutationOf = ({ body }: Passed): string =>
  String(body?.operationName)
    .replace(/^buyATicket(.*)Mutation$/, '$1')
    .toLowerCase();

/** Loses the first answer to `charge`, and tells of the first `pay` that its outcome is unknown. */
function loseAnswers(): void {
  const lost = new Map<string, Fate>([
    ['charge', 'break'],
    ['pay', UNAVAILABLE],
  ]);
  proxy.fateOf = (passed) => {
    const name = mutationOf(passed);
    const fate = lost.get(name) ?? 'pass';
    lost.delete(name);
    return fate;
  };
}

/** Idempotency keys in the order in which the mutation was sent with them. */
const keysOf = (mutation: string): string[] =>
  proxy.requests
    .filter((passed) => mutationOf(passed) === mutation)
    .map(({ body }) => body.variables.input.idempotencyKey);

it('the examples are typed by the schema, strictly', async () => {
  expect(await runTool('tsc', '-p', '.')).toBe('');
});

it('the list of documents that Relay keeps is as its compiler writes it', async () => {
  expect(await readFile(PERSISTED, 'utf8')).toBe(persistedBefore);
});

/** The examples: a client library, and the program that uses it. */
const PROGRAMS: [string, string[]][] = [
  ['apollo', ['buy-a-ticket.ts', 'apollo']],
  ['urql', ['buy-a-ticket.ts', 'urql']],
  ['graphql-request', ['buy-a-ticket.ts', 'graphql-request']],
  ['relay', ['relay/dist/buy-a-ticket.js']],
];

describe.each(PROGRAMS)('%s', (_library, program) => {
  it('keeps its place while the socket breaks, is told what it lacks, and buys a ticket once, though answers are lost', async () => {
    loseAnswers();
    const { slug, queueId } = await makeSale(0);
    const buying = start([...program, proxy.url, slug]);
    const output = outputOf(buying);
    await written(buying, 'place 1 of 1: WAITING');
    proxy.breakSockets();
    await update(operator, queueId, { capacity: 1 });
    const lines = await output;
    expect(proxy.sockets).toBe(2);
    expect(lines).toMatch(/: ACTIVE$/m);
    expect(lines).toContain('INSUFFICIENT_BALANCE');
    const seat = /^ticket: .* seat (\w+), code \S{43}$/m.exec(lines)?.[1];
    expect(await possessionsOf(buyerOf(lines))).toEqual({
      seats: [seat],
      movements: [
        ['CHARGE', 1_000],
        ['CHARGE', PRICE - 1_000],
        ['PAYMENT', -PRICE],
      ],
    });
    // Two intents of each, the first of which was sent again.
    for (const keys of [keysOf('charge'), keysOf('pay')]) {
      expect(new Set(keys)).toHaveProperty('size', 2);
      expect(keys.length).toBeGreaterThan(2);
    }
  });
});

it('urql asks for concerts by GET without a header of its own, and for the rest by POST', async () => {
  await buy(['buy-a-ticket.ts', 'urql'], proxy.url);
  const gets = proxy.requests.filter(({ method }) => method === 'GET');
  expect(gets).toHaveLength(1);
  expect(gets[0]?.path).toContain('operationName=Concerts');
  expect(gets[0]?.headers).not.toHaveProperty('authorization');
});

it('graphql-request follows its place over SSE where a WebSocket cannot pass', async () => {
  proxy.blocksSockets = true;
  const output = await buy(['buy-a-ticket.ts', 'graphql-request'], proxy.url);
  expect(output).toMatch(/: ACTIVE$/m);
  expect(output).toMatch(/^ticket: /m);
  expect(proxy.requests.filter(({ path }) => path === '/graphql/stream')).toHaveLength(1);
});

it('relay pages through the concerts forwards and backwards', async () => {
  const output = await buy(['relay/dist/buy-a-ticket.js'], proxy.url);
  const { concerts } = await operator.get('{ concerts(first: 100) { edges { node { slug } } } }');
  const slugs = concerts.edges.map(({ node }: Data) => node.slug).join(', ');
  expect(output).toContain(`concerts forwards: ${slugs}\nconcerts backwards: ${slugs}\n`);
});

describe('from a server with a list of trusted documents', () => {
  let trusted: RecordingProxy;
  let folder: string;

  beforeAll(async () => {
    folder = await scratchFolder('onsale-trusted-');
    const list = join(folder, 'trusted-documents.json');
    const sources = ['gql/persisted-documents.json', 'relay/persisted.json'];
    await outputOf(start(['../dist/bundle/list-documents.js', ...sources, '--out', list]));
    trusted = await RecordingProxy.open((await world.startProcess({ TRUSTED_DOCUMENTS: list })).url);
  });
  afterEach(() => trusted.reset());
  afterAll(async () => {
    trusted.close();
    await rm(folder, { recursive: true });
  });

  it('any other document is refused', async () => {
    const { errors } = await post(trusted.url, '{ concerts { edges { node { id } } } }');
    expect(errors?.[0]?.extensions.code).toBe('PERSISTED_QUERY_NOT_IN_LIST');
  });

  it.each(PROGRAMS)('%s buys a ticket', async (library, program) => {
    const output = await buy(program, trusted.url, { DOCUMENTS: 'hash' });
    expect(output).toMatch(/: ACTIVE$/m);
    expect(output).toMatch(/^ticket: /m);
    const texts = trusted.requests.filter(({ body }) => body?.query !== undefined);
    // graphql-request sends the texts of the list, the others hashes alone.
    expect(texts.length > 0).toBe(library === 'graphql-request');
    expect(trusted.sockets).toBe(1);
  });

  it('graphql-request follows its place over SSE', async () => {
    trusted.blocksSockets = true;
    expect(await buy(['buy-a-ticket.ts', 'graphql-request'], trusted.url)).toMatch(/^ticket: /m);
    expect(trusted.requests.filter(({ path }) => path === '/graphql/stream')).toHaveLength(1);
  });
});
