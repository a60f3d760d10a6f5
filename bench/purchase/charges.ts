import { Child } from '../load/child.ts';
import type { Asking } from '../load/http-load.child.ts';
import type { Load } from '../load/http-load.ts';
import type { Row } from '../load/row.ts';
import { Servers } from '../load/servers.ts';
import { type BuyerOfOne, makeHouses } from './buyers.ts';
import { pgbench } from './pgbench.ts';

const CHARGES = 300;
const ROUNDS = 5;
const WARM_ROUNDS = 10;

const CHARGE = `mutation ($key: ID!) { charge(input: { amount: 1, idempotencyKey: $key }) {
  ... on LedgerEntry { balanceAfter } } }`;

/** 300 charges of one wallet at once over two processes, in turns with the same one after another in pgbench. */
export async function measureCharges(): Promise<Row[]> {
  const servers = await Servers.open(2);
  const generators = servers.processes.map(() => new Child('./http-load.child.ts'));
  try {
    const { buyers } = await makeHouses(servers, WARM_ROUNDS + ROUNDS);
    const seconds: number[][] = [];
    for (const [round, buyer] of buyers.entries()) {
      const ours = await chargeAtOnce(servers, generators, buyer);
      const script = { script: './charge.sql', clients: 1, each: CHARGES, variables: { user: round + 1 } };
      const theirs = CHARGES / (await pgbench(servers.databaseUrl, script));
      if (round >= WARM_ROUNDS) seconds.push([ours, theirs]);
    }
    return [rowOf(seconds)];
  } finally {
    await Promise.all([...generators.map((generator) => generator.end()), servers.close()]);
  }
}

/** @returns seconds until the last was answered. @throws Error unless all were applied, one after another */
async function chargeAtOnce(servers: Servers, generators: readonly Child[], buyer: BuyerOfOne): Promise<number> {
  const half = CHARGES / generators.length;
  const loads = await Promise.all(
    generators.map((generator, index) => {
      const each = Array.from({ length: half }, (_, n) => ({
        accessToken: buyer.accessToken,
        variables: { key: `${index} ${n}` },
      }));
      const url = servers.processes[index]?.url ?? '';
      return generator.ask<Load>({ url, query: CHARGE, each, connections: half, once: true } satisfies Asking);
    }),
  );
  const balances = loads.flatMap(({ bodies }) => bodies.map((body) => Number(/"balanceAfter":(\d+)/.exec(body)?.[1])));
  const sorted = balances.sort((a, b) => a - b);
  if (sorted.some((balance, index) => balance !== 1_001 + index)) throw new Error('a charge was lost, or made up');
  return Math.max(...loads.map(({ seconds }) => seconds));
}

function rowOf(seconds: readonly number[][]): Row {
  const [ours = 0, theirs = 1] =
    seconds.toSorted(([a = 0, b = 1], [c = 0, d = 1]) => a / b - c / d)[Math.floor(ROUNDS / 2)] ?? [];
  const ms = (value: number): string => `${Math.round(1_000 * value)} ms`;
  return {
    promise: `${CHARGES} charges at once on one wallet, all applied, two processes`,
    yardstick: `the same ${CHARGES} transactions one after another in pgbench`,
    ...{ measured: ms(ours), against: ms(theirs) },
    ...{ ratio: ours / theirs, must: 0.8, goal: 0.4, unit: 'x', wanted: 'less' },
  };
}
