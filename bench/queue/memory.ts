import { setTimeout as sleep } from 'node:timers/promises';
import { Child } from '../load/child.ts';
import type { Opening } from '../load/listeners.child.ts';
import type { Row } from '../load/row.ts';
import { Servers } from '../load/servers.ts';
import { residentBytes } from '../load/usage.ts';
import { enterMany } from './enter-many.ts';

const SUBSCRIBERS = 10_000;
/** Long enough for everybody to have heard again. */
const IDLE_MS = 15_000;
const KB = 1_000;

const WATCH =
  'subscription ($token: ID!) { queuePosition(token: $token) { status position etaSeconds waiting pollAfterMs activeUntil } }';

/** What the server's process grows by for each socket on which somebody follows a place that does not move. */
export async function measureMemory(): Promise<Row[]> {
  // They enter elsewhere, so that the process measured has no room left over from that.
  const servers = await Servers.open(2);
  const listening = new Child('./listeners.child.ts');
  try {
    const queueId = await servers.makeQueue({ capacity: 1, admitPerMinute: 0 });
    const people = await enterMany(servers.processes[1]?.url ?? '', queueId, SUBSCRIBERS);
    const [pid = 0] = servers.pids;
    await sleep(IDLE_MS);
    const before = residentBytes(pid);
    const listeners = people.map(({ accessToken, token }) => ({ accessToken, variables: { token } }));
    await listening.ask({ type: 'open', url: servers.url, query: WATCH, listeners } satisfies Opening);
    await sleep(IDLE_MS);
    const grown = (residentBytes(pid) - before) / SUBSCRIBERS / KB;
    return [rowOf(grown)];
  } finally {
    await Promise.all([listening.end(), servers.close()]);
  }
}

function rowOf(grown: number): Row {
  return {
    promise: 'memory per idle subscriber, server side',
    yardstick: '-',
    measured: `${grown.toFixed(1)} KB of ${SUBSCRIBERS.toLocaleString('en')}`,
    against: '-',
    ...{ ratio: grown, must: 25, goal: 18, unit: 'KB', wanted: 'less' },
  };
}
