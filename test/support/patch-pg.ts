import { createRequire } from 'node:module';

/** What a query may be called with: text first, or a config that has it. */
type Query = (this: object, ...args: unknown[]) => unknown;

/**
 * Lets a preload see and change every statement that the product sends: `rewrite` gets the text, `after` the
 * connection and the text once it was answered.
 */
export function patchPg(rewrite: (text: string) => string, after?: (connection: object, text: string) => void): void {
  const fromOrm = createRequire(createRequire(import.meta.url).resolve('@mikro-orm/postgresql'));
  const { Client } = fromOrm('pg') as { Client: { prototype: { query: Query } } };
  const original = Client.prototype.query;
  Client.prototype.query = function patched(this: object, ...args: unknown[]): unknown {
    const [first, ...rest] = args;
    const text = typeof first === 'string' ? first : (first as { text?: unknown } | undefined)?.text;
    if (typeof text !== 'string') return original.apply(this, args);
    const changed = typeof first === 'string' ? rewrite(text) : { ...(first as object), text: rewrite(text) };
    const answer = original.call(this, changed, ...rest);
    if (after && answer instanceof Promise) void answer.then(() => after(this, text)).catch(() => undefined);
    return answer;
  };
}
