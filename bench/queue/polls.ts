import { Child } from '../load/child.ts';
import type { Asking } from '../load/http-load.child.ts';
import type { Load } from '../load/http-load.ts';
import type { Row } from '../load/row.ts';
import { Servers } from '../load/servers.ts';
import { cpuSeconds } from '../load/usage.ts';
import { enterMany, type Waiting } from './enter-many.ts';

const WAITING = 1_000;
const CONNECTIONS = 64;
const WARM_MS = 3_000;
const ROUND_MS = 4_000;
const ROUNDS = 3;
/** The sides differ by little: many short rounds tell it from what else the machine does. */
const LOG_ROUNDS = 15;
const LOG_ROUND_MS = 1_500;

const POLL = 'query ($token: ID!) { queueToken(value: $token) { status position etaSeconds waiting pollAfterMs } }';

/** Polls a second of authenticated people behind one another, in turns with stock Apollo answering a constant. */
export async function measurePolls(): Promise<Row[]> {
  const servers = await Servers.open(1);
  const stock = new Child('../queue/stock-apollo.child.ts');
  const generator = new Child('./http-load.child.ts');
  try {
    const stockUrl = await stock.hear<string>();
    const queueId = await servers.makeQueue({ capacity: 1, admitPerMinute: 0 });
    const people = await enterMany(servers.url, queueId, WAITING);
    const poll = async (url: string, forMs: number): Promise<number> => {
      const { answers, seconds } = await pollFor(generator, url, people, forMs);
      return answers / seconds;
    };
    const [ours, theirs]: [number[], number[]] = [[], []];
    await checkPositions(generator, servers.url, people);
    for (const url of [servers.url, stockUrl]) await poll(url, WARM_MS);
    for (let round = 0; round < ROUNDS; round++) {
      ours.push(await poll(servers.url, ROUND_MS));
      theirs.push(await poll(stockUrl, ROUND_MS));
    }
    await checkPositions(generator, servers.url, people);
    return [rowOf(median(ours), median(theirs))];
  } finally {
    await Promise.all([generator.end(), stock.end(), servers.close()]);
  }
}

/**
 * What the log costs a poll at its default level, where a successful poll writes no line, and at `debug`, where each
 * writes one; in turns with a process that writes none.
 */
export async function measureLog(): Promise<Row[]> {
  const generator = new Child('./http-load.child.ts');
  const sides: { readonly servers: Servers; readonly people: readonly Waiting[]; readonly costs: number[] }[] = [];
  try {
    for (const LOG_LEVEL of ['silent', 'info', 'debug']) {
      const servers = await Servers.open(1, { LOG_LEVEL });
      const queueId = await servers.makeQueue({ capacity: 1, admitPerMinute: 0 });
      sides.push({ servers, people: await enterMany(servers.url, queueId, WAITING), costs: [] });
    }
    for (const { servers, people } of sides) await pollFor(generator, servers.url, people, WARM_MS);
    for (let round = 0; round < LOG_ROUNDS; round++) {
      for (const { servers, people, costs } of round % 2 ? sides : sides.toReversed()) {
        const [pid = 0] = servers.pids;
        const before = cpuSeconds(pid);
        const { answers } = await pollFor(generator, servers.url, people, LOG_ROUND_MS);
        costs.push(((cpuSeconds(pid) - before) * 1_000_000) / answers);
      }
    }
    const [silent = 0, info = 0, debug = 0] = sides.map(({ costs }) => median(costs));
    return [rowOfLog('info, the default', info, silent, 1.05, 1.02), rowOfLog('debug', debug, silent, 1.5, 1.3)];
  } finally {
    await Promise.all([generator.end(), ...sides.map(({ servers }) => servers.close())]);
  }
}

function rowOfLog(level: string, cost: number, silent: number, must: number, goal: number): Row {
  return {
    promise: `processor time of a poll of queueToken, LOG_LEVEL ${level}`,
    yardstick: 'the same with LOG_LEVEL silent',
    measured: `${cost.toFixed(1)} us`,
    against: `${silent.toFixed(1)} us`,
    ...{ ratio: cost / silent, must, goal, unit: 'x', wanted: 'less' },
  };
}

/** Polls for the people in turn. */
function pollFor(generator: Child, url: string, people: readonly Waiting[], forMs: number): Promise<Load> {
  const each = people.map(({ accessToken, token }) => ({ accessToken, variables: { token } }));
  return generator.ask<Load>({ url, query: POLL, each, connections: CONNECTIONS, forMs } satisfies Asking);
}

/** Each of the people has a place of their own, and all of them together have all the places. @throws Error otherwise */
async function checkPositions(generator: Child, url: string, people: readonly Waiting[]): Promise<void> {
  const each = people.map(({ accessToken, token }) => ({ accessToken, variables: { token } }));
  const { bodies } = await generator.ask<Load>({
    url,
    query: POLL,
    each,
    connections: CONNECTIONS,
    once: true,
  } satisfies Asking);
  const places = bodies.map(
    (body) => (JSON.parse(body) as { data: { queueToken: { position: number } } }).data.queueToken.position,
  );
  if (places.sort((a, b) => a - b).some((place, index) => place !== index + 1))
    throw new Error('positions are not true');
}

function rowOf(ours: number, theirs: number): Row {
  return {
    promise: 'polls of queueToken a second, authenticated, true positions',
    yardstick: 'stock Apollo startStandaloneServer answering a constant',
    measured: Math.round(ours).toLocaleString('en'),
    against: Math.round(theirs).toLocaleString('en'),
    ...{ ratio: ours / theirs, must: 1.7, goal: 2, unit: 'x', wanted: 'more' },
  };
}

function median(figures: number[]): number {
  return figures.sort((a, b) => a - b)[Math.floor(figures.length / 2)] ?? 0;
}
