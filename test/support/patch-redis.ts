import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { loadScript } from '../../src/platform/lua.ts';

type Run = (this: object, ...args: unknown[]) => Promise<unknown>;

/** Scripts of the queue by their digest. */
const ROOM = new URL('../../src/queue/draw/open-queue.ts', import.meta.url).href;
const NAMES = ['seal', 'read-sealed', 'write-drawn', 'open-line'] as const;
const scriptOf = new Map(NAMES.map((name) => loadScript(ROOM, name)).map((script) => [script.sha, script]));

/** Runs the script as the product wants to, or with another text. */
type RunScript = (text?: string) => Promise<unknown>;

/**
 * Lets a preload stand around every script of an opening that the product runs: `around` gets its name, what runs it,
 * and its text, and answers what the product is answered.
 */
export function patchRedis(around: (name: string, run: RunScript, text: string) => Promise<unknown>): void {
  const { Redis } = createRequire(import.meta.url)('ioredis') as { Redis: { prototype: Record<string, Run> } };
  const { evalsha, eval: evaluate } = Redis.prototype as { evalsha: Run; eval: Run };
  const sha = (text: unknown): string => createHash('sha1').update(String(text)).digest('hex');
  const patch = (original: Run, digest: (first: unknown) => string): Run =>
    function patched(this: object, ...args: unknown[]): Promise<unknown> {
      const script = scriptOf.get(digest(args[0]));
      const run: RunScript = (text) =>
        text === undefined ? original.apply(this, args) : evaluate.call(this, text, ...args.slice(1));
      return script ? around(script.name, run, script.text) : run();
    };
  Redis.prototype.evalsha = patch(evalsha, String);
  Redis.prototype.eval = patch(evaluate, sha);
}
