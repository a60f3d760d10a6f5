import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Redis } from 'ioredis';

/** One atomic step in Redis: its text, and the digest it is called by. */
export interface Script {
  readonly name: string;
  readonly text: string;
  readonly sha: string;
}

/**
 * Reads `<name>.lua` next to the module at `moduleUrl`. A line `-- include: other` is replaced with `other.lua`.
 * The file's header names keys, arguments and result.
 */
export function loadScript(moduleUrl: string, name: string): Script {
  const folder = dirname(fileURLToPath(moduleUrl));
  const read = (file: string): string => readFileSync(join(folder, `${file}.lua`), 'utf8');
  const text = read(name).replace(/^-- include: (\S+)$/gm, (_line, file: string) => read(file));
  return { name, text, sha: createHash('sha1').update(text).digest('hex') };
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
