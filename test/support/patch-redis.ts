import { createRequire } from 'node:module';
import type { Redis } from 'ioredis';
import { loadScript, type Script } from '../../src/platform/lua.ts';
import { seek } from './patch-pg.ts';

/** The scripts of an opening. */
const DRAW = new URL('../../src/queue/draw/open-queue.ts', import.meta.url).href;
export const OPENING = ['seal', 'read-sealed', 'write-drawn', 'open-line'].map((name) => loadScript(DRAW, name));

/** Runs the script as the product wants to, or with another text. */
type RunScript = (text?: string) => Promise<unknown>;

type Command = (...args: unknown[]) => Promise<unknown>;

/**
 * Lets a preload stand around every run of the scripts by the product: `around` gets the script and what runs it, and
 * answers what the product is answered. The world fails as it closes when no process ran any of the scripts.
 */
export function patchRedis(
  scripts: readonly Script[],
  around: (script: Script, run: RunScript) => Promise<unknown>,
): void {
  const note = seek(scripts.map(({ name }) => name).join(', '));
  const { Redis } = createRequire(import.meta.url)('ioredis') as { Redis: { prototype: Redis } };
  const define = Redis.prototype.defineCommand;
  Redis.prototype.defineCommand = function patched(this: Redis & Record<string, Command>, name, definition) {
    define.call(this, name, definition);
    const script = scripts.find((one) => one.name === name);
    if (!script) return;
    const command = this[name] as Command;
    const patchedCommand: Command = (...args) => {
      note();
      return around(script, (text) =>
        text === undefined ? command.apply(this, args) : (this.eval as Command)(text, 1, ...args),
      );
    };
    Object.assign(this, { [name]: patchedCommand });
  };
}
