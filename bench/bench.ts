// Measures what is promised, side by side with a yardstick in the same run:
//   npm run bench -- queue [row ...]
//   npm run bench -- purchase [row ...]
//   npm run bench -- flood [row ...]
//   npm run bench -- pages
//   npm run bench -- guards
//   npm run bench -- audit
//   npm run bench -- evening [buyers] [seats] [buyers let in at a time] [--against <another checkout>] [--profile <folder>]
// Brings up servers of its own, and needs nothing but a build. Ends with 1 when a promise is not kept.
import { benchAudit } from './audit.ts';
import { benchEvening } from './evening.ts';
import { FLOOD_ROWS } from './flood/rows.ts';
import { benchGuards } from './guards.ts';
import { benchRows } from './load/row.ts';
import { Servers } from './load/servers.ts';
import { PAGES_ROWS } from './pages/rows.ts';
import { PURCHASE_ROWS } from './purchase/rows.ts';
import { QUEUE_ROWS } from './queue/rows.ts';

/** Measures and prints; answers whether all promises are kept. */
type Bench = (more: readonly string[]) => Promise<boolean>;

const BENCHES: Record<string, Bench> = {
  audit: async () => {
    await benchAudit();
    return true;
  },
  evening: benchEvening,
  flood: (names) => benchRows(FLOOD_ROWS, names),
  guards: async () => {
    await benchGuards();
    return true;
  },
  pages: (names) => benchRows(PAGES_ROWS, names),
  purchase: (names) => benchRows(PURCHASE_ROWS, names),
  queue: (names) => benchRows(QUEUE_ROWS, names),
};

async function main([name = '', ...more]: string[]): Promise<void> {
  const bench = BENCHES[name];
  if (!bench) throw new Error(`usage: npm run bench -- <${Object.keys(BENCHES).join(' | ')}> [row ...]`);
  if (!(await bench(more))) process.exitCode = 1;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void Servers.closeAll().finally(() => process.exit(2)));
}

main(process.argv.slice(2)).then(
  () => process.exit(),
  (error: unknown) => process.stderr.write(`${(error as Error).stack}\n`, () => process.exit(2)),
);
