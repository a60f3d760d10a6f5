import pg from 'pg';
import { COUPONS } from './guards/coupons.ts';
import type { Subject } from './guards/subject.ts';
import { WALLETS } from './guards/wallets.ts';
import { Workers } from './guards/workers.ts';
import { oneAfterAnother } from './guards/yardstick.ts';
import { type Servers, withServers } from './product.ts';

const SUBJECTS: readonly Subject[] = [WALLETS, COUPONS];

/** Ways of asking: pieces of work, and how many of them at once. */
const WAYS = [
  { atOnce: 1, count: 400 },
  { atOnce: 10, count: 2_000 },
  { atOnce: 300, count: 6_000 },
] as const;
/** Of many keys each gets so many pieces of work. */
const EACH = 10;
/** One piece of work in ten finds no room. */
const ROOM = 0.9;
/** Every way is gone so often, the guards taking turns; the row told is the median by rate. */
const ROUNDS = 3;

interface Row {
  readonly cells: readonly (string | number)[];
  /** In units of the yardstick, measured right before. */
  readonly ratio: number;
}

/** Compares the guards on the same work, with statements one after another as the yardstick. */
export async function benchGuards(): Promise<void> {
  await withServers(async (servers) => {
    const pool = new pg.Pool({ connectionString: servers.databaseUrl, max: 2 });
    // Ended by its server when the bench has failed: the failure says what happened.
    pool.on('error', () => undefined);
    say('| of | guard | keys | at once | applied | refused | retries | a second | of yardstick | p99 ms |');
    say('|---|---|---|---:|---:|---:|---:|---:|---:|---:|');
    for (const subject of SUBJECTS) await benchSubject(subject, servers, pool);
    say('');
    say('yardstick: the statements of a charge, prepared, over one connection, one charge after another');
    await pool.end();
  });
}

async function benchSubject(subject: Subject, servers: Servers, pool: pg.Pool): Promise<void> {
  const workers = new Map<string, Workers>();
  try {
    for (const guard of subject.guards) {
      const started = await Workers.start(subject, guard, servers);
      workers.set(guard, started);
      await started.run({ ids: await subject.make(pool, 50, EACH), count: 500, atOnce: 10, room: EACH });
    }
    for (const keys of ['one', 'many'] as const) {
      for (const way of WAYS) await compare(subject, pool, workers, { keys, ...way });
    }
  } finally {
    for (const started of workers.values()) started.stop();
  }
}

interface Way {
  readonly keys: 'one' | 'many';
  readonly atOnce: number;
  readonly count: number;
}

async function compare(subject: Subject, pool: pg.Pool, workers: Map<string, Workers>, way: Way): Promise<void> {
  const rows = new Map(subject.guards.map((guard) => [guard, [] as Row[]]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [guard, started] of workers) {
      rows.get(guard)?.push(await measure(subject, pool, guard, started, way));
    }
  }
  for (const ofGuard of rows.values()) {
    const median = ofGuard.toSorted((a, b) => a.ratio - b.ratio)[Math.floor(ROUNDS / 2)];
    say(`| ${median?.cells.join(' | ')} |`);
  }
}

async function measure(
  subject: Subject,
  pool: pg.Pool,
  guard: string,
  workers: Workers,
  { keys, atOnce, count }: Way,
): Promise<Row> {
  const yardstick = await oneAfterAnother(pool, await WALLETS.make(pool, 1, 0), 300);
  const room = (keys === 'one' ? count : EACH) * ROOM;
  const ids = await subject.make(pool, keys === 'one' ? 1 : count / EACH, room);
  const { report, seconds } = await workers.run({ ids, count, atOnce, room });
  await subject.requireExact(pool, ids, room);
  const { applied, refused, retries, latencies } = report;
  const rate = count / seconds;
  const ratio = rate / yardstick;
  const p99 = latencies.toSorted((a, b) => a - b)[Math.floor(latencies.length * 0.99)] ?? 0;
  const counted = [subject.name, guard, keys, atOnce, applied, refused, retries];
  return { ratio, cells: [...counted, Math.round(rate), `${ratio.toFixed(2)} x`, p99.toFixed(1)] };
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
