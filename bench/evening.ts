import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Entering, Evening, Selling } from './evening/buyers.child.ts';
import { Child } from './load/child.ts';
import { Servers } from './load/servers.ts';
import { cpuSeconds } from './load/usage.ts';
import { newUser } from './load/users.ts';

const PROCESSES = 2;
const BUYERS = 6_000;
/** Seats for each buyer: some of them come too late. */
const SEATS_EACH = 0.9;
const SECTION_SEATS = 300;
const ACTIVE_AT_ONCE = 500;
const ROUNDS = 2;
/** Buyers and seats of an evening before the one that is measured. */
const WARM = 500;
const MAX_MS = 10 * 60_000;
const HOUR = 3_600_000;

/** Figures of one evening, in the order in which they are printed. */
interface Figures {
  readonly of: string;
  readonly perSecond: number;
  readonly cells: readonly string[];
}

const HEAD = [
  'checkout',
  'sold',
  'seconds',
  'a second',
  'dates p99',
  'seats p99',
  'reserve p50',
  'reserve p99',
  'charge p99',
  'pay p99',
  'polls',
  'lost seats',
  'asked again',
  'failed',
  'Node ms a sale',
  'PostgreSQL ms a sale',
  'generator ms a sale',
  'transactions a sale',
  'flushes a sale',
];

/**
 * Evenings from the queue to the last ticket over two processes of the product: half of the buyers watch their place,
 * half of them poll, 500 are let in at a time, and each of them looks for a free seat of a section, holds it, charges the
 * wallet and pays.
 * @param more how many buyers (6,000), seats (nine for ten buyers) and buyers let in at a time (500);
 * `--against <folder of another checkout>`: its product takes turns with this one, on servers that are as new;
 * `--profile <folder>`: each process leaves a CPU profile there, which its cost is part of
 * @returns whether no buyer failed that was served by this checkout
 */
export async function benchEvening(more: readonly string[]): Promise<boolean> {
  const options = { against: { type: 'string' }, profile: { type: 'string' } } as const;
  const { values, positionals } = parseArgs({ args: [...more], options, allowPositionals: true });
  const { against, profile } = values;
  const buyers = Number(positionals[0] ?? BUYERS);
  const seats = Number(positionals[1] ?? Math.round(buyers * SEATS_EACH));
  const atOnce = Number(positionals[2] ?? ACTIVE_AT_ONCE);
  if (!(buyers > 0 && seats > 0 && atOnce > 0)) {
    throw new Error('buyers, seats and buyers let in at a time are numbers above 0');
  }
  const roots = against === undefined ? [undefined] : [undefined, realpathSync(against)];
  say(`${buyers} buyers, ${seats} seats, ${atOnce} buyers let in at a time`);
  say(`| ${HEAD.join(' | ')} |`);
  say(`|${' --- |'.repeat(HEAD.length)}`);
  const rounds: Figures[][] = [];
  let isKept = true;
  for (let round = 0; round < (against === undefined ? 1 : ROUNDS); round++) {
    const figures: Figures[] = [];
    for (const root of roots) {
      const { told, failures } = await oneEvening({ buyers, seats, atOnce }, profile, root);
      say(`| ${[told.of, ...told.cells].join(' | ')} |`);
      for (const [what, times] of failures) say(`  ${times} x ${what}`);
      if (root === undefined && failures.length > 0) isKept = false;
      figures.push(told);
    }
    rounds.push(figures);
  }
  if (against !== undefined) {
    const ratios = rounds.map(([ours, theirs]) => (ours?.perSecond ?? 0) / (theirs?.perSecond ?? 1));
    say(`sold a second, here against there: ${ratios.map((ratio) => `${ratio.toFixed(2)} x`).join(', ')}`);
  }
  return isKept;
}

/** How many there are. */
interface Plan {
  readonly buyers: number;
  readonly seats: number;
  readonly atOnce: number;
}

async function oneEvening(
  plan: Plan,
  profile: string | undefined,
  root?: string,
): Promise<{ told: Figures; failures: [string, number][] }> {
  const env: Record<string, string> =
    profile === undefined ? {} : { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${resolve(profile)}` };
  const servers = await Servers.open(PROCESSES, env, root);
  try {
    await sellOut(servers, { ...plan, buyers: WARM, seats: WARM });
    const { came, before, after } = await sellOut(servers, plan);
    await checkSold(servers);
    return { told: figuresOf(root ?? 'this one', came, before, after), failures: Object.entries(came.failed) };
  } finally {
    await servers.close();
  }
}

/** Opens a queue in front of a new concert to new buyers. */
async function sellOut(
  servers: Servers,
  { buyers, seats, atOnce }: Plan,
): Promise<{ came: Evening; before: Costs; after: Costs }> {
  const generator = new Child('../evening/buyers.child.ts');
  try {
    const accessTokens = await makeUsers(servers, buyers);
    const queueId = await servers.makeQueue({ capacity: 0 });
    const { concertId, sections } = await makeShow(servers, queueId, seats);
    await servers.pool.query('vacuum analyze');
    const urls = servers.processes.map(({ url }) => url);
    await generator.ask({ type: 'enter', urls, queueId, concertId, sections, seats, accessTokens } satisfies Entering);
    const before = await costsOf(servers);
    const evening = generator.ask<Evening>({ type: 'sell', maxMs: MAX_MS } satisfies Selling);
    await servers.changeQueue(queueId, { capacity: atOnce });
    return { came: await evening, before, after: await costsOf(servers) };
  } finally {
    await generator.end();
  }
}

/** @returns access tokens of new users with empty wallets */
async function makeUsers({ pool }: Servers, count: number): Promise<string[]> {
  const users = Array.from({ length: count }, () => newUser());
  await pool.query(
    `with made as (
       insert into user_account (id, name, role) select id, 'buyer ' || id, 'BUYER' from unnest($1::uuid[]) id returning id
     ) insert into wallet (user_id) select id from made`,
    [users.map(({ id }) => id)],
  );
  return users.map(({ accessToken }) => accessToken);
}

async function makeShow(
  servers: Servers,
  queueId: string,
  seats: number,
): Promise<{ concertId: string; sections: string[] }> {
  const { createConcert } = await servers.asOperator<{ createConcert: { id: string } }>(
    'mutation ($input: CreateConcertInput!) { createConcert(input: $input) { id } }',
    { input: { title: 'a bench', queueId } },
  );
  const now = Date.now();
  const sections = Array.from({ length: Math.ceil(seats / SECTION_SEATS) }, (_none, index) => ({
    name: `Block ${index + 1}`,
    seatCount: Math.min(SECTION_SEATS, seats - index * SECTION_SEATS),
    ...{ seatsPerRow: 30, price: 50_000 },
  }));
  const input = {
    ...{ concertId: createConcert.id, venue: 'a hall', price: 50_000, sections },
    startsAt: new Date(now + 24 * HOUR),
    salesOpenAt: new Date(now - HOUR),
    salesCloseAt: new Date(now + 23 * HOUR),
  };
  await servers.asOperator('mutation ($input: CreateShowInput!) { createShow(input: $input) { id } }', { input });
  return { concertId: createConcert.id, sections: sections.map(({ name }) => name) };
}

/** @throws Error unless each ticket was paid for, and each payment got one: a seat has one ticket at most by its constraint */
async function checkSold({ pool }: Servers): Promise<void> {
  const { rows } = await pool.query<{ tickets: number; payments: number }>(
    `select (select count(*)::int from ticket) as tickets,
       (select count(*)::int from payment where status = 'COMPLETED') as payments`,
  );
  const [{ tickets, payments } = { tickets: 0, payments: 0 }] = rows;
  if (tickets !== payments) throw new Error(`${tickets} tickets and ${payments} payments`);
}

/** What the servers have used so far. */
interface Costs {
  /** Processor time, in seconds. */
  readonly node: number;
  readonly postgres: number;
  readonly transactions: number;
  /** How often PostgreSQL has waited for its log to be on disk. */
  readonly flushes: number;
}

async function costsOf({ pids, pool }: Servers): Promise<Costs> {
  const { rows } = await pool.query<{ pid: number; transactions: number; flushes: number }>(
    `select pg_backend_pid() as pid,
       (select xact_commit::float8 from pg_stat_database where datname = current_database()) as transactions,
       (select sum(fsyncs)::float8 from pg_stat_io where object = 'wal') as flushes`,
  );
  const [{ pid, transactions, flushes } = { pid: 0, transactions: 0, flushes: 0 }] = rows;
  const node = pids.reduce((sum, each) => sum + cpuSeconds(each), 0);
  return { node, postgres: cpuSecondsOfPostgres(pid), transactions, flushes };
}

/** Of all the server's processes that live; those of the product keep their connections. @param pid of one of them */
function cpuSecondsOfPostgres(pid: number): number {
  const server = parentOf(pid);
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return all.map(Number).reduce((sum, each) => sum + (parentOf(each) === server ? cpuSeconds(each) : 0), 0);
}

/** @returns 0 for a process that has ended */
function parentOf(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[1]);
  } catch {
    return 0;
  }
}

function figuresOf(of: string, came: Evening, before: Costs, after: Costs): Figures {
  const { sold, seconds, times, askedAgain, lostSeats, failed, cpu } = came;
  const sales = Math.max(sold, 1);
  const perSecond = sold / seconds;
  const ms = (value: number): string => `${Math.round(value)} ms`;
  const each = (cost: number): string => `${((1_000 * cost) / sales).toFixed(1)}`;
  const all = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((a, b) => a + b, 0);
  const again = Object.entries(askedAgain).map(([verb, count]) => `${count} ${verb}`);
  return {
    of,
    perSecond,
    cells: [
      ...[sold, seconds.toFixed(1), Math.round(perSecond)].map(String),
      ...[times.dates.p99, times.seats.p99, times.reserve.p50, times.reserve.p99, times.charge.p99, times.pay.p99].map(
        ms,
      ),
      ...[String(times.poll.count), String(lostSeats), again.join(', ') || '0', String(all(failed))],
      ...[each(after.node - before.node), each(after.postgres - before.postgres), each(cpu)],
      ...[(after.transactions - before.transactions) / sales, (after.flushes - before.flushes) / sales].map((count) =>
        count.toFixed(2),
      ),
    ],
  };
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
