import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Redis } from 'ioredis';

/** One atomic step in Redis: its text, and the digest it is called by. */
export interface Script {
  readonly name: string;
  readonly text: string;
  readonly sha: string;
}

/**
 * Reads a script. A line `-- include: other` in it is replaced with `other.lua`, relative to the script. The file's header
 * names keys, arguments and result.
 * @param path of the script, without `.lua`, relative to the module at `moduleUrl`
 */
export function loadScript(moduleUrl: string, path: string): Script {
  const file = join(dirname(fileURLToPath(moduleUrl)), `${path}.lua`);
  const include = (_line: string, other: string): string => readFileSync(join(dirname(file), `${other}.lua`), 'utf8');
  const text = readFileSync(file, 'utf8').replace(/^-- include: (\S+)$/gm, include);
  return { name: basename(path), text, sha: createHash('sha1').update(text).digest('hex') };
}

/** Runs the script on one key (all keys it touches share that key's hash tag); sends its text when the server lacks it. */
export async function runScript<T>(
  redis: Redis,
  script: Script,
  key: string,
  args: readonly (string | number)[] = [],
): Promise<T> {
  try {
    return (await redis.evalsha(script.sha, 1, key, ...args)) as T;
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
    return (await redis.eval(script.text, 1, key, ...args)) as T;
  }
}
