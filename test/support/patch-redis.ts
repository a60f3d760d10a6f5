import { createRequire } from 'node:module';
import type { Redis } from 'ioredis';
import { loadScript, runScript, type Script } from '../../src/platform/lua.ts';

/** The scripts of an opening. */
const DRAW = new URL('../../src/queue/draw/open-queue.ts', import.meta.url).href;
export const OPENING = ['seal', 'read-sealed', 'write-drawn', 'open-line'].map((name) => loadScript(DRAW, name));

/** Runs the script as the product wants to, or with another text. */
type RunScript = (text?: string) => Promise<unknown>;

type Command = (...args: unknown[]) => Promise<unknown>;
type Connection = Redis & Record<string, Command>;

/**
 * Lets a preload stand around every run of the scripts by the product: `around` gets the script and what runs it, and
 * answers what the product is answered. Throws when the product does not run its scripts through what is patched here.
 */
export function patchRedis(
  scripts: readonly Script[],
  around: (script: Script, run: RunScript) => Promise<unknown>,
): void {
  const { Redis } = createRequire(import.meta.url)('ioredis') as { Redis: { prototype: Redis } };
  const define = Redis.prototype.defineCommand;
  const probe = Object.assign(Object.create(Redis.prototype), { options: {}, scriptsSet: {} }) as Connection;
  const probed = new Set<Script>();
  Redis.prototype.defineCommand = function patched(this: Connection, name, definition) {
    define.call(this, name, definition);
    const script = scripts.find((one) => one.name === name);
    if (!script) return;
    const command = this[name] as Command;
    const run = (args: unknown[], text?: string): Promise<unknown> =>
      text === undefined ? command.apply(this, args) : (this.eval as Command)(text, 1, ...args);
    const patchedCommand: Command = async (...args) => {
      if (this === probe) return probed.add(script);
      return around(script, (text) => run(args, text));
    };
    Object.assign(this, { [name]: patchedCommand });
  };
  for (const script of scripts) {
    void runScript(probe, script, 'a key');
    if (!probed.has(script)) throw new Error(`the product does not run ${script.name} as it is patched`);
  }
}
