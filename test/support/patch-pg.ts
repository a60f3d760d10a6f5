import { createRequire } from 'node:module';

/** What a query may be called with: text first, or a config that has it. */
type Query = (this: object, ...args: unknown[]) => unknown;

/**
 * Lets a preload see and change every statement that the product sends: `rewrite` gets the text and
 * the parameters, `after` the connection and the text once it was answered.
 */
export function patchPg(
  rewrite: (text: string, values: unknown) => string,
  after?: (connection: object, text: string) => void,
): void {
  const fromOrm = createRequire(createRequire(import.meta.url).resolve('@mikro-orm/postgresql'));
  const { Client } = fromOrm('pg') as { Client: { prototype: { query: Query } } };
  const original = Client.prototype.query;
  Client.prototype.query = function patched(this: object, ...args: unknown[]): unknown {
    const [first, ...rest] = args;
    const text = typeof first === 'string' ? first : (first as { text?: unknown } | undefined)?.text;
    if (typeof text !== 'string') return original.apply(this, args);
    const rewritten = rewrite(text, typeof first === 'string' ? rest[0] : (first as { values?: unknown }).values);
    const changed = typeof first === 'string' ? rewritten : { ...(first as object), text: rewritten };
    const answer = original.call(this, changed, ...rest);
    if (after && answer instanceof Promise) void answer.then(() => after(this, text)).catch(() => undefined);
    return answer;
  };
}
