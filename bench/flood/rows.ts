import { Child } from '../load/child.ts';
import type { Asking } from '../load/http-load.child.ts';
import type { Load } from '../load/http-load.ts';
import type { Measure, Row } from '../load/row.ts';
import { Servers } from '../load/servers.ts';
import { makeHouses } from '../purchase/buyers.ts';
import type { Flood, Flooded, Kind } from './flood.child.ts';

const OTHERS = 400;
const CONNECTIONS = 16;
const PER_ROUND = 6_000;
const ROUNDS = 5;

const CHARGE = `mutation ($key: ID!) { charge(input: { amount: 1, idempotencyKey: $key }) {
  ... on LedgerEntry { balanceAfter } } }`;

/** Floods by name. */
export const FLOOD_ROWS: Record<Kind, Measure> = {
  'sign-ins': () => measureFlood('sign-ins'),
  sockets: () => measureFlood('sockets'),
  aliases: () => measureFlood('aliases'),
  holds: () => measureFlood('holds'),
};

/** p99 of others, who charge, while one client floods, in turns with the same without it; with the product's limits. */
async function measureFlood(kind: Kind): Promise<Row[]> {
  const servers = await Servers.open(1, { RATE_LIMITS: '', BUSY_MS: '', CHARGES: 'open', LOG_LEVEL: 'warn' });
  const [others, flooder] = [new Child('./http-load.child.ts'), new Child('../flood/flood.child.ts')];
  try {
    const { showId, buyers } = await makeHouses(servers, OTHERS + 1);
    const [client, ...rest] = buyers;
    if (!client) throw new Error('there is nobody to flood');
    let charges = 0;
    const chargeAll = async (): Promise<number> => {
      const each = Array.from({ length: PER_ROUND }, (_, n) => ({
        accessToken: rest[n % rest.length]?.accessToken ?? '',
        variables: { key: String(charges++) },
      }));
      const asking: Asking = { url: servers.url, query: CHARGE, each, connections: CONNECTIONS, once: true };
      return (await others.ask<Load>(asking)).p99;
    };
    await chargeAll();
    const rounds: { alone: number; beside: number; flood: Flooded }[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const alone = await chargeAll();
      const { accessToken, seatId } = client;
      await flooder.ask({ kind, url: servers.url, accessToken, showId, seatId } satisfies Flood);
      const beside = await chargeAll();
      rounds.push({ alone, beside, flood: await flooder.ask<Flooded>({ stop: true }) });
    }
    const median = rounds.toSorted((a, b) => a.beside / a.alone - b.beside / b.alone)[Math.floor(ROUNDS / 2)];
    if (!median) throw new Error('nothing was measured');
    const { alone, beside, flood } = median;
    return [
      {
        promise: `p99 of others while one client floods with ${kind} (${flood.answers}, ${flood.limited} refused)`,
        yardstick: 'the same without it',
        ...{ measured: `${beside.toFixed(1)} ms`, against: `${alone.toFixed(1)} ms` },
        ...{ ratio: beside / alone, must: 3, goal: 2, unit: 'x', wanted: 'less' },
      },
    ];
  } finally {
    await Promise.all([others.end(), flooder.end(), servers.close()]);
  }
}
