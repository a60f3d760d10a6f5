import 'reflect-metadata';
import { openEmbedded } from '../../embedded/open.ts';
import type { Audit } from '../audit/audit.ts';
import { runChecks } from '../audit/run-checks.ts';
import { readConfig } from '../config.ts';
import { HOUR } from '../platform/units.ts';

/** Milliseconds that it may take: only the person who started it waits for it. */
const MAX_MS = HOUR;

/** Counts everything again in the database of the configuration, or of DATA_DIR. @returns the exit code */
async function main(): Promise<number> {
  const { DATABASE_URL, DATA_DIR } = readConfig(process.env);
  if (DATABASE_URL) return tell(await runChecks(DATABASE_URL, MAX_MS));
  const embedded = await openEmbedded({ dataDir: DATA_DIR, servers: ['postgres'], name: 'onsale' });
  try {
    return tell(await runChecks(embedded.databaseUrl ?? '', MAX_MS));
  } finally {
    await embedded.close();
  }
}

/** One line for each rule, and one for each row that breaks it. */
function tell({ at, ok, checks }: Audit): number {
  const lines = checks.flatMap(({ name, rule, checked, violations, rows }) => [
    `${violations === 0 ? 'ok    ' : 'BROKEN'} ${name}: ${checked} checked, ${violations} violations. ${rule}`,
    ...rows.map((row) => `         ${row}`),
    ...(violations > rows.length ? [`         and ${violations - rows.length} more`] : []),
  ]);
  process.stdout.write(`${lines.join('\n')}\n${ok ? 'Clean' : 'NOT CLEAN'} at ${at.toISOString()}\n`);
  return ok ? 0 : 1;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`The audit could not be run: ${error instanceof Error ? error.message : error}\n`);
    process.exitCode = 2;
  },
);
