import { setTimeout as sleep } from 'node:timers/promises';
import { Child } from '../load/child.ts';
import type { Row } from '../load/row.ts';
import { Servers } from '../load/servers.ts';
import { cpuSeconds, residentBytes } from '../load/usage.ts';
import type { Gathering, Heard, Marking } from './crowd.child.ts';
import { enterMany, type Waiting } from './enter-many.ts';

const PROCESSES = 4;
const SUBSCRIBERS = 60_000;
/** A process may hold 20,000 open files. */
const MAX_OF_A_GENERATOR = 15_000;
const ADMIT_PER_MINUTE = 6_000;
const SECONDS = 60;
const KB = 1_000;

const WATCH =
  'subscription ($token: ID!) { queuePosition(token: $token) { status position etaSeconds waiting pollAfterMs activatedAt activeUntil } }';
const DRAIN = 'mutation ($input: UpdateQueueInput!) { updateQueue(input: $input) { id } }';

/** A crowd on live sockets while its queue drains. @param more how many (60,000), and for how many seconds (60) */
export async function measureCrowd([count, seconds]: readonly string[]): Promise<Row[]> {
  const subscribers = Number(count ?? SUBSCRIBERS);
  const forMs = Number(seconds ?? SECONDS) * 1_000;
  const servers = await Servers.open(PROCESSES);
  const generators: Child[] = [];
  try {
    const queueId = await servers.makeQueue({ capacity: subscribers, admitPerMinute: 0, activeSeconds: 3_600 });
    const people = await enterMany(servers.url, queueId, subscribers);
    say(`${subscribers} have entered`);
    const before = servers.pids.map(residentBytes);
    generators.push(...(await gather(servers, people)));
    say('all of them are subscribed');
    await servers.asOperator(DRAIN, { input: { id: queueId, admitPerMinute: ADMIT_PER_MINUTE } });
    await Promise.all(generators.map((generator) => generator.ask({ type: 'begin' } satisfies Marking)));
    const cpuBefore = sum(servers.pids.map(cpuSeconds));
    await sleep(forMs);
    const cpu = (sum(servers.pids.map(cpuSeconds)) - cpuBefore) / (forMs / 1_000);
    const heard = await Promise.all(
      generators.map((generator) => generator.ask<Heard>({ type: 'tell' } satisfies Marking)),
    );
    const grown = sum(servers.pids.map((pid, index) => residentBytes(pid) - (before[index] ?? 0))) / subscribers / KB;
    return rowsOf(subscribers, heard, { cpu, grown });
  } finally {
    await Promise.all([...generators.map((generator) => generator.end()), servers.close()]);
  }
}

/** Everybody on a socket of their own, from several processes and addresses, since a pair of addresses has 28,000 ports. */
async function gather(servers: Servers, people: readonly Waiting[]): Promise<Child[]> {
  const urls = servers.processes.map(({ url }) => url);
  const parts = Math.max(2, Math.ceil(people.length / MAX_OF_A_GENERATOR));
  return Promise.all(
    Array.from({ length: parts }, async (_none, part) => {
      const generator = new Child('../queue/crowd.child.ts');
      const listeners = people
        .filter((_person, index) => index % parts === part)
        .map(({ accessToken, token }) => ({ accessToken, variables: { token } }));
      const localAddress = `127.0.0.${10 + part}`;
      await generator.ask({ type: 'gather', urls, localAddress, query: WATCH, listeners } satisfies Gathering);
      return generator;
    }),
  );
}

function rowsOf(subscribers: number, heard: readonly Heard[], { cpu, grown }: { cpu: number; grown: number }): Row[] {
  const turns = heard.flatMap((each) => each.turns).sort((a, b) => a - b);
  const lost = sum(heard.map((each) => each.lost));
  say(`${sum(heard.map((each) => each.retries))} had to try again to subscribe`);
  if (turns.length === 0 || lost > 0) throw new Error(`${turns.length} were let in, ${lost} sockets were lost`);
  const p99 = (turns[Math.floor(turns.length * 0.99)] ?? 0) / 1_000;
  const silence = Math.max(...heard.map((each) => each.longestSilence)) / 1_000;
  const messages = sum(heard.map((each) => each.messages)).toLocaleString('en');
  const crowd = `${subscribers.toLocaleString('en')} subscribers on ${PROCESSES} processes`;
  const less = { yardstick: '-', against: '-', wanted: 'less' as const };
  return [
    // A tick comes four times a second, and the machine is busy.
    {
      ...less,
      promise: `${crowd}: longest silence`,
      measured: `${messages} messages, ${cpu.toFixed(2)} cores`,
      ...bounds(silence, 11, 10.5, 's'),
    },
    {
      ...less,
      promise: `${crowd}: their turn is heard, p99`,
      measured: `${turns.length} let in`,
      ...bounds(p99, 1, 0.5, 's'),
    },
    {
      ...less,
      promise: `${crowd}: server memory for each`,
      measured: `${grown.toFixed(1)} KB`,
      ...bounds(grown, 25, 18, 'KB'),
    },
  ];
}

function say(text: string): void {
  process.stderr.write(`  ${text}\n`);
}

function bounds(
  ratio: number,
  must: number,
  goal: number,
  unit: string,
): Pick<Row, 'ratio' | 'must' | 'goal' | 'unit'> {
  return { ratio, must, goal, unit };
}

function sum(figures: readonly number[]): number {
  return figures.reduce((a, b) => a + b, 0);
}
