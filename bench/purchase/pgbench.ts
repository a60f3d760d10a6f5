import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** What is run: a script of this folder, `each` times by each of some connections, prepared. */
interface Yardstick {
  readonly script: string;
  readonly clients: number;
  readonly each: number;
  /** Variables of the script; `i` and `each` are given. */
  readonly variables?: Readonly<Record<string, number>>;
}

/**
 * Runs a script of SQL as pgbench does, with nothing between it and PostgreSQL.
 * @returns transactions a second
 * @throws Error where pgbench is missing, or a transaction failed
 */
export async function pgbench(url: string, { script, clients, each, variables = {} }: Yardstick): Promise<number> {
  const file = fileURLToPath(new URL(script, import.meta.url));
  const all = Object.entries({ ...variables, i: 0, each }).flatMap(([name, value]) => ['-D', `${name}=${value}`]);
  const how = ['-n', '-M', 'prepared', '-c', String(clients), '-j', '1', '-t', String(each), '-f', file];
  const { stdout } = await run('pgbench', [...how, ...all, url]).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    throw new Error(
      "the yardstick is PostgreSQL's own pgbench, which is not on PATH (Debian: apt-get install postgresql)",
    );
  });
  const tps = Number(/tps = ([\d.]+)/.exec(stdout)?.[1]);
  if (!(tps > 0) || !/failed transactions: 0 /.test(stdout)) throw new Error(stdout);
  return tps;
}
