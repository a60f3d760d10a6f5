import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { loadScript } from '../../src/platform/lua.ts';

type Run = (this: object, ...args: unknown[]) => Promise<unknown>;

/** Scripts of the queue by their digest. */
const ROOM = new URL('../../src/queue/queue.ts', import.meta.url).href;
const NAMES = ['seal', 'read-sealed', 'write-drawn', 'open-line'] as const;
const nameOf = new Map<string, string>(NAMES.map((name) => [loadScript(ROOM, name).sha, name]));

/**
 * Lets a preload stand around every script of an opening that the product runs: `around` gets its name and what runs
 * it, and answers what the product is answered.
 */
export function patchRedis(around: (name: string, run: () => Promise<unknown>) => Promise<unknown>): void {
  const { Redis } = createRequire(import.meta.url)('ioredis') as { Redis: { prototype: Record<string, Run> } };
  const { evalsha, eval: evaluate } = Redis.prototype as { evalsha: Run; eval: Run };
  const sha = (text: unknown): string => createHash('sha1').update(String(text)).digest('hex');
  const patch = (original: Run, digest: (first: unknown) => string): Run =>
    function patched(this: object, ...args: unknown[]): Promise<unknown> {
      const name = nameOf.get(digest(args[0]));
      const run = (): Promise<unknown> => original.apply(this, args);
      return name === undefined ? run() : around(name, run);
    };
  Redis.prototype.evalsha = patch(evalsha, String);
  Redis.prototype.eval = patch(evaluate, sha);
}
