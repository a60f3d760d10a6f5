import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Redis } from 'ioredis';

/** One atomic step in Redis. Every script is safe to run twice: a command may be sent again after a reconnect. */
export interface Script {
  /** Folder and file, as in `line/enter`. */
  readonly name: string;
  readonly text: string;
}

/**
 * Reads a script. A line `-- include: other` in it is replaced with `other.lua`, relative to the script. The file's header
 * names keys, arguments and result.
 * @param path of the script, without `.lua`, relative to the module at `moduleUrl`
 */
export function loadScript(moduleUrl: string, path: string): Script {
  const file = join(dirname(fileURLToPath(moduleUrl)), `${path}.lua`);
  const folder = dirname(file);
  const include = (_line: string, other: string): string => readFileSync(join(folder, `${other}.lua`), 'utf8');
  const text = readFileSync(file, 'utf8').replace(/^-- include: (\S+)$/gm, include);
  return { name: `${basename(folder)}/${basename(path)}`, text };
}

/**
 * Runs the script on one key; all keys that it touches share that key's hash tag. ioredis sends the text where the server
 * does not have the script, else its digest.
 */
export function runScript<T>(
  redis: Redis,
  { name, text }: Script,
  key: string,
  args: readonly (string | number)[] = [],
): Promise<T> {
  const commands = redis as unknown as Record<
    string,
    (key: string, ...args: readonly (string | number)[]) => Promise<T>
  >;
  if (!(name in redis)) redis.defineCommand(name, { lua: text, numberOfKeys: 1 });
  return (commands[name] as (typeof commands)[string])(key, ...args);
}
