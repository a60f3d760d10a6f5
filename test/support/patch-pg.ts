import { createRequire } from 'node:module';

/** What a query may be called with: text first, or a config that has it. */
type Query = (this: object, ...args: unknown[]) => unknown;

/** A connection's class; the query builder and what connects alone have one each. */
interface Client {
  readonly prototype: { query: Query };
}

/**
 * Lets a preload see and change every statement that the product sends: `rewrite` gets the text and
 * the parameters, `after` the connection and the text once it was answered.
 */
export function patchPg(
  rewrite: (text: string, values: unknown) => string,
  after?: (connection: object, text: string) => void,
): void {
  const require = createRequire(import.meta.url);
  const fromOrm = createRequire(require.resolve('@mikro-orm/postgresql'));
  const clients = [require, fromOrm].map((from) => (from('pg') as { Client: Client }).Client);
  for (const client of new Set(clients)) patchClient(client, rewrite, after);
}

function patchClient(
  { prototype }: Client,
  rewrite: (text: string, values: unknown) => string,
  after?: (connection: object, text: string) => void,
): void {
  const original = prototype.query;
  prototype.query = function patched(this: object, ...args: unknown[]): unknown {
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
