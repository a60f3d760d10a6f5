import { Child } from '../load/child.ts';
import type { Counting, Opening } from '../load/listeners.child.ts';
import type { Row } from '../load/row.ts';
import { Servers } from '../load/servers.ts';
import type { Listener } from '../load/subscribe.ts';
import { newUser } from '../load/users.ts';

const SUBSCRIBERS = 5_000;
const WARM_ROUNDS = 5;
const ROUNDS = 20;
const HOUR = 3_600_000;

const WATCH = 'subscription ($show: ID!) { seatChanges(showId: $show) { resync seats { id label status revision } } }';

/** Changes of seats that reach their subscribers a second, beside the same bytes sent by bare ws, each round after the last. */
export async function measurePushes(): Promise<Row[]> {
  const servers = await Servers.open(1);
  const bare = new Child('../queue/bare-ws.child.ts');
  const [ours, theirs] = [new Child('./listeners.child.ts'), new Child('./listeners.child.ts')];
  try {
    const bareUrl = await bare.hear<string>();
    const show = await makeShow(servers);
    const listeners = Array.from({ length: SUBSCRIBERS }, () => ({
      accessToken: newUser().accessToken,
      variables: { show },
    }));
    await open(ours, { url: servers.url, query: WATCH, listeners });
    await open(theirs, { url: bareUrl, listeners });
    let revision = 0;
    const push = async (): Promise<void> => {
      const seat = { id: show, showId: show, number: 1, label: '1', price: 1, status: 'HELD', revision: ++revision };
      await servers.redis.publish(`onsale:seats:${show}`, JSON.stringify([seat]));
    };
    const bytes = await ask(ours, push, 1);
    const send = async (): Promise<void> => void (await bare.ask({ text: bytes }));
    for (const [listening, act] of [
      [ours, push],
      [theirs, send],
    ] as const)
      await ask(listening, act, WARM_ROUNDS);
    const rates = [await rateOf(ours, push), await rateOf(theirs, send)] as const;
    return [rowOf(...rates)];
  } finally {
    await Promise.all([ours.end(), theirs.end(), bare.end(), servers.close()]);
  }
}

async function open(child: Child, opening: Omit<Opening, 'type'> & { listeners: Listener[] }): Promise<void> {
  await child.ask({ type: 'open', ...opening } satisfies Opening);
}

/** Acts so many times, each time until everybody has heard. @returns what was heard last */
async function ask(listening: Child, act: () => Promise<void>, rounds: number): Promise<string> {
  let last = '';
  for (let round = 0; round < rounds; round++) {
    const heard = listening.ask<string>({ type: 'count', count: SUBSCRIBERS } satisfies Counting);
    await act();
    last = await heard;
  }
  return last;
}

async function rateOf(listening: Child, act: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await ask(listening, act, ROUNDS);
  return (SUBSCRIBERS * ROUNDS * 1_000) / (performance.now() - began);
}

async function makeShow(servers: Servers): Promise<string> {
  const concert = 'mutation { createConcert(input: { title: "a bench" }) { id } }';
  const { createConcert } = await servers.asOperator<{ createConcert: { id: string } }>(concert, {});
  const now = Date.now();
  const input = {
    ...{ concertId: createConcert.id, venue: 'a hall', price: 1_000 },
    startsAt: new Date(now + 24 * HOUR),
    salesOpenAt: new Date(now - HOUR),
    salesCloseAt: new Date(now + 23 * HOUR),
  };
  const show = 'mutation ($input: CreateShowInput!) { createShow(input: $input) { id } }';
  return (await servers.asOperator<{ createShow: { id: string } }>(show, { input })).createShow.id;
}

function rowOf(ours: number, theirs: number): Row {
  return {
    promise: 'pushes a second to subscribers',
    yardstick: 'bare ws broadcast of the same bytes',
    measured: Math.round(ours).toLocaleString('en'),
    against: Math.round(theirs).toLocaleString('en'),
    ...{ ratio: ours / theirs, must: 0.6, goal: 0.8, unit: 'x', wanted: 'more' },
  };
}
