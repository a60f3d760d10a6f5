import type { Redis } from 'ioredis';
import { Child } from '../load/child.ts';
import type { Asking } from '../load/http-load.child.ts';
import type { Load } from '../load/http-load.ts';
import type { Row } from '../load/row.ts';
import { Servers } from '../load/servers.ts';
import { built } from '../product.ts';
import { enterMany } from './enter-many.ts';
import { digestOf, type Filler, fillQueue } from './fill.ts';

const { queueKey } = await built<typeof import('../../src/queue/line/line.ts')>('queue/line/line');

const FEW = 1_000;
/** A queue takes no more than a million, and some come before others leave. */
const MANY = 999_000;
const POLLERS = 400;
const CONNECTIONS = 16;
const WARM_MS = 3_000;
const ROUND_MS = 6_000;
const ROUNDS = 3;
const TURN_MS = 100;
const LEAVERS_A_TURN = 2;
const ADMITTED_PER_MINUTE = 6_000;

const POLL = 'query ($token: ID!) { queueToken(value: $token) { status position etaSeconds waiting pollAfterMs } }';

/** p99 of a poll while 100 a second are admitted and 20 leave, behind a thousand and behind a million. */
export async function measurePollLatency(): Promise<Row[]> {
  const servers = await Servers.open(1);
  const generator = new Child('./http-load.child.ts');
  try {
    const [few, many] = [await crowdOf(servers, FEW), await crowdOf(servers, MANY)];
    const figures: [number[], number[]] = [[], []];
    for (const crowd of [few, many]) await pollWhileMoving(servers, generator, crowd, WARM_MS);
    for (let round = 0; round < ROUNDS; round++) {
      for (const [index, crowd] of [few, many].entries()) {
        figures[index]?.push(await pollWhileMoving(servers, generator, crowd, ROUND_MS));
      }
    }
    const [behindFew, behindMany] = figures.map((all) => all.sort((a, b) => a - b)[1] ?? 0) as [number, number];
    return [
      {
        promise: 'p99 of a poll while 100 a second are admitted and 20 leave',
        yardstick: `${FEW.toLocaleString('en')} against ${MANY.toLocaleString('en')} waiting`,
        ...{ measured: `${behindMany.toFixed(2)} ms`, against: `${behindFew.toFixed(2)} ms` },
        ...{ ratio: behindMany / behindFew, must: 1.3, goal: 1, unit: 'x', wanted: 'less' },
      },
    ];
  } finally {
    await Promise.all([generator.end(), servers.close()]);
  }
}

/** A queue with people who poll behind those who only fill it. */
interface Crowd {
  readonly queueId: string;
  readonly fillers: Filler[];
  readonly pollers: readonly { readonly accessToken: string; readonly variables: object }[];
}

async function crowdOf(servers: Servers, waiting: number): Promise<Crowd> {
  const queueId = await servers.makeQueue({ capacity: 0, admitPerMinute: 0 });
  const fillers = await fillQueue(servers.redis, queueId, waiting - POLLERS);
  const people = await enterMany(servers.url, queueId, POLLERS);
  const pollers = people.map(({ accessToken, token }) => ({ accessToken, variables: { token } }));
  return { queueId, fillers, pollers };
}

/** @returns p99 of the polls in milliseconds, while others are admitted and leave, and as many come */
async function pollWhileMoving(
  servers: Servers,
  generator: Child,
  { queueId, fillers, pollers }: Crowd,
  forMs: number,
): Promise<number> {
  await servers.changeQueue(queueId, { capacity: 1_000_000, admitPerMinute: ADMITTED_PER_MINUTE });
  const stop = move(servers.redis, queueId, fillers);
  const { url } = servers;
  const asking: Asking = { url, query: POLL, each: pollers, connections: CONNECTIONS, forMs };
  try {
    return (await generator.ask<Load>(asking)).p99;
  } finally {
    await stop();
    await servers.changeQueue(queueId, { capacity: 0 });
  }
}

/** Every tenth of a second two leave from the back of the line, and twelve come. */
function move(redis: Redis, queueId: string, fillers: Filler[]): () => Promise<void> {
  const come = (ADMITTED_PER_MINUTE / 60_000) * TURN_MS + LEAVERS_A_TURN;
  const leave = digestOf(redis, 'leave');
  let moving: Promise<unknown> = leave;
  const timer = setInterval(() => {
    moving = moving.then(async () => {
      const digest = await leave;
      const leavers = fillers.splice(-LEAVERS_A_TURN);
      await Promise.all(
        leavers.map(({ tokenId, userId }) => redis.evalsha(digest, 1, queueKey(queueId), tokenId, userId)),
      );
      fillers.push(...(await fillQueue(redis, queueId, come)));
    });
  }, TURN_MS);
  return async () => {
    clearInterval(timer);
    await moving;
  };
}
