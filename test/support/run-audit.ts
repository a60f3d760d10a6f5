import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../dist/bundle/run-audit.js', import.meta.url));

/** Runs what `npm run audit` runs, on the database at `url`. */
export function runAudit(url: string): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [PROGRAM], {
    env: { PATH: process.env.PATH, DATABASE_URL: url },
    encoding: 'utf8',
    timeout: 20_000,
  });
}
