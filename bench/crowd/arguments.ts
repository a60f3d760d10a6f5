const DEFAULT_URL = 'http://127.0.0.1:4000/graphql';
const MAX_BUYERS = 5_000;
const USAGE = `usage: npm run crowd -- <1 to ${MAX_BUYERS} buyers> [--url ${DEFAULT_URL}]`;

export interface Arguments {
  readonly count: number;
  readonly url: string;
}

/** @throws Error that says how it is called */
export function parseArguments(given: readonly string[]): Arguments {
  const rest = [...given];
  const at = rest.indexOf('--url');
  const [, url] = at < 0 ? [undefined, DEFAULT_URL] : rest.splice(at, 2);
  const [text, ...tooMany] = rest;
  const count = Number(text);
  const isCount = text !== undefined && /^\d+$/.test(text) && count >= 1 && count <= MAX_BUYERS;
  if (!isCount || tooMany.length > 0 || url === undefined || !/^https?:$/.test(URL.parse(url)?.protocol ?? '')) {
    throw new Error(USAGE);
  }
  return { count, url };
}
