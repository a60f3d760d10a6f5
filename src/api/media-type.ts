export const JSON_TYPE = 'application/json';
export const GRAPHQL_TYPE = 'application/graphql-response+json';

/** The media types of answers. Both are sent as UTF-8. */
const TYPES = [GRAPHQL_TYPE, JSON_TYPE] as const;
const CHARSET = 'charset=utf-8';

const OK = 200;
const BAD_REQUEST = 400;

/**
 * Whether a client takes an answer of one of the types, by the most specific range that its header names. Apollo finds out
 * once it has executed a mutation, and judges alike.
 * @param accept the header
 */
export function isTaken(accept: string | undefined): boolean {
  if (typeFor(accept) !== undefined) return true;
  const weights = new Map((accept || '*/*').split(',').flatMap(weightOfRange));
  return TYPES.some((type) => {
    const range = [type, 'application/*', '*/*'].find((name) => weights.has(name));
    return range !== undefined && (weights.get(range) as number) > 0;
  });
}

/** A range of the header with its weight; none for a range with parameters that no answer has. */
function weightOfRange(range: string): [name: string, weight: number][] {
  const [name = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
  const weight = parameters.find((parameter) => parameter.startsWith('q='));
  const isOurs = parameters.every((parameter) => parameter === weight || parameter === CHARSET);
  return isOurs ? [[name, Number(weight?.slice('q='.length) ?? 1)]] : [];
}

/**
 * The content type of the answer, where a header tells it at a glance: the first type that is named without a weight is
 * preferred.
 * @returns undefined where Apollo has to weigh them
 */
export function typeFor(accept = '*/*'): string | undefined {
  const named = accept === '*/*' ? JSON_TYPE : TYPES.find((type) => `${accept},`.startsWith(`${type},`));
  return named && `${named}; ${CHARSET}`;
}

/** The status of an answer without data. Of the type that is GraphQL's own it is never 200: a client decides by it. */
export function statusFor(status: number, type: string): number {
  return status === OK && type.startsWith(GRAPHQL_TYPE) ? BAD_REQUEST : status;
}
