import { type ASTNode, GraphQLError, GraphQLScalarType, Kind } from 'graphql';
import { GraphQLDateTime, GraphQLLocalDate } from 'graphql-scalars';

/** RFC 3339 asks for an offset; the year has four digits. */
const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

/** Whatever the time zone, these have calendar dates that can be written with four digits. */
const EARLIEST = new Date('1900-01-01T00:00:00Z');
const LATEST = new Date('9000-01-01T00:00:00Z');

function instant(given: unknown, nodes?: ASTNode): Date {
  const wrong = (): GraphQLError =>
    new GraphQLError('DateTime must be an RFC 3339 instant with an offset, from 1900 to 9000.', { nodes });
  if (typeof given !== 'string' || !RFC_3339.test(given)) throw wrong();
  try {
    const at = GraphQLDateTime.parseValue(given);
    if (at < EARLIEST || at > LATEST) throw wrong();
    return at;
  } catch {
    throw wrong();
  }
}

/** A `Date`, written with milliseconds in UTC. */
export const DateTime = new GraphQLScalarType<Date, string>({
  name: 'DateTime',
  description:
    'An instant, as RFC 3339 text. Answers are in UTC with milliseconds: 2026-07-04T10:00:00.000Z. Input may have any offset (2026-07-04T19:00:00+09:00) and any fraction of a second or none, but must have an offset; years 1900 to 9000',
  specifiedByURL: 'https://scalars.graphql.org/andimarek/date-time.html',
  serialize: (value) => new Date(value as Date).toISOString(),
  parseValue: (value) => instant(value),
  parseLiteral: (node) => instant(node.kind === Kind.STRING ? node.value : undefined, node),
});

/** A string of the form YYYY-MM-DD that names a day of the calendar. */
export const LocalDate = new GraphQLScalarType<string, string>({
  ...GraphQLLocalDate.toConfig(),
  name: 'LocalDate',
  description: 'A calendar date without a time, as RFC 3339 text: 2026-07-04. It is meant in `Settings.timeZone`',
  specifiedByURL: 'https://scalars.graphql.org/andimarek/local-date.html',
  extensions: {},
});

function amount(given: unknown, nodes?: ASTNode): number {
  if (typeof given !== 'number' || !Number.isSafeInteger(given)) {
    throw new GraphQLError('Money must be a whole number of at most 2^53 - 1 in magnitude.', { nodes });
  }
  return given;
}

/** A safe integer. It has no `specifiedByURL`: its unit is the deployment's, which no public document knows. */
export const Money = new GraphQLScalarType<number, number>({
  name: 'Money',
  description:
    'An amount of money, as a JSON integer from -(2^53 - 1) to 2^53 - 1. It counts the smallest unit of `Settings.currency`: won for KRW, cents for EUR. A string or a number with a fraction is refused',
  serialize: (value) => amount(value),
  parseValue: (value) => amount(value),
  parseLiteral: (node) => amount(node.kind === Kind.INT ? Number(node.value) : undefined, node),
});

/** An object of JSON; only ever in answers. */
export const JSONObject = new GraphQLScalarType<object, object>({
  name: 'JSONObject',
  description: 'An object of JSON. The description of the field says which keys it has. Only in answers',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc8259#section-4',
  serialize: (value) => value as object,
});
