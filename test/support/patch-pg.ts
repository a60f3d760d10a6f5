import { createRequire } from 'node:module';

/** What a query may be called with: text first, or a config that has it. */
type Query = (this: object, ...args: unknown[]) => unknown;

/** A connection's class. */
interface Client {
  readonly prototype: { query: Query };
}

/**
 * Lets a preload see and change every statement that the product sends: `rewrite` gets the text,
 * the parameters and the connection, `after` the connection and the text once it was answered.
 */
export function patchPg(
  rewrite: (text: string, values: unknown, connection: object) => string,
  after?: (connection: object, text: string) => void,
): void {
  const { prototype } = (createRequire(import.meta.url)('pg') as { Client: Client }).Client;
  const original = prototype.query;
  prototype.query = function patched(this: object, ...args: unknown[]): unknown {
    const [first, ...rest] = args;
    const text = typeof first === 'string' ? first : (first as { text?: unknown } | undefined)?.text;
    if (typeof text !== 'string') return original.apply(this, args);
    const rewritten = rewrite(text, typeof first === 'string' ? rest[0] : (first as { values?: unknown }).values, this);
    const changed = typeof first === 'string' ? rewritten : { ...(first as object), text: rewritten };
    const answer = original.call(this, changed, ...rest);
    if (after && answer instanceof Promise) void answer.then(() => after(this, text)).catch(() => undefined);
    return answer;
  };
}

/**
 * Lets a preload replace a text in every statement that the product sends. When none of the texts of one call is found in
 * any statement of any process, the world fails as it closes: the product has changed, and the preload does nothing.
 */
export function replaceSql(...changes: [find: string | RegExp, replacement: string][]): void {
  const note = seek(changes.map(([find]) => String(find)).join(', '));
  patchPg((text) => {
    const replaced = changes.reduce((before, [find, replacement]) => before.replace(find, replacement), text);
    if (replaced !== text) note();
    return replaced;
  });
}

/** A test of whether a statement has this text; the world fails as it closes when none ever had. */
export function sqlWith(find: string | RegExp): (text: string) => boolean {
  const note = seek(String(find));
  return (text) => {
    const isFound = typeof find === 'string' ? text.includes(find) : find.test(text);
    if (isFound) note();
    return isFound;
  };
}

/** Tells the parent what is sought, and answers a function that tells it, once, that it was found. */
export function seek(name: string): () => void {
  process.send?.({ type: 'sought', value: name });
  let isTold = false;
  return () => {
    if (!isTold) process.send?.({ type: 'found', value: name });
    isTold = true;
  };
}
