// Measures what is promised, side by side with a yardstick in the same run:
//   npm run bench -- queue [row ...]
// Ends with 1 when a promise is not kept.
import { isKept, type Measure, type Row, tableOf } from './load/row.ts';
import { Servers } from './load/servers.ts';
import { QUEUE_ROWS } from './queue/rows.ts';

const BENCHES: Record<string, Record<string, Measure>> = { queue: QUEUE_ROWS };

async function main([bench = '', ...names]: string[]): Promise<void> {
  const rows = BENCHES[bench];
  if (!rows) throw new Error(`usage: npm run bench -- <${Object.keys(BENCHES).join(' | ')}> [row ...]`);
  const unknown = names.filter((name) => !(name in rows) && !/^[\d.]+$/.test(name));
  if (unknown.length > 0) throw new Error(`no row ${unknown.join(', ')} in ${bench}: ${Object.keys(rows).join(', ')}`);
  const numbers = names.filter((name) => !(name in rows));
  const measured: Row[] = [];
  for (const [name, measure] of Object.entries(rows)) {
    if (names.length > numbers.length && !names.includes(name)) continue;
    process.stderr.write(`measuring ${bench} ${name} ...\n`);
    measured.push(...(await measure(numbers)));
  }
  process.stdout.write(`${tableOf(measured)}\n`);
  if (!measured.every(isKept)) process.exitCode = 1;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void Servers.closeAll().finally(() => process.exit(2)));
}

main(process.argv.slice(2)).then(
  () => process.exit(),
  (error: unknown) => process.stderr.write(`${(error as Error).stack}\n`, () => process.exit(2)),
);
