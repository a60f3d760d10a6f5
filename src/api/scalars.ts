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
    'An instant in RFC 3339. Answers are in UTC with milliseconds: 2026-07-04T10:00:00.000Z; input may have any offset, and any digits of a second or none, from 1900 to 9000',
  specifiedByURL: 'https://scalars.graphql.org/andimarek/date-time.html',
  serialize: (value) => new Date(value as Date).toISOString(),
  parseValue: (value) => instant(value),
  parseLiteral: (node) => instant(node.kind === Kind.STRING ? node.value : undefined, node),
});

/** A string of the form YYYY-MM-DD that names a day of the calendar. */
export const LocalDate = new GraphQLScalarType<string, string>({
  ...GraphQLLocalDate.toConfig(),
  name: 'LocalDate',
  description: 'A calendar date in RFC 3339: 2026-07-04',
  specifiedByURL: 'https://scalars.graphql.org/andimarek/local-date.html',
  extensions: {},
});

function amount(given: unknown, nodes?: ASTNode): number {
  if (typeof given !== 'number' || !Number.isSafeInteger(given)) {
    throw new GraphQLError('Money must be a whole number of at most 2^53 - 1 in magnitude.', { nodes });
  }
  return given;
}

/** A safe integer. */
export const Money = new GraphQLScalarType<number, number>({
  name: 'Money',
  description:
    'An amount of money in minor units of `Settings.currency` (won: 1), a JSON integer of at most 2^53 - 1 in magnitude',
  serialize: (value) => amount(value),
  parseValue: (value) => amount(value),
  parseLiteral: (node) => amount(node.kind === Kind.INT ? Number(node.value) : undefined, node),
});

/** An object of JSON; only ever in answers. */
export const JSONObject = new GraphQLScalarType<object, object>({
  name: 'JSONObject',
  description: 'An object of JSON. The description of the field says which keys it has',
  serialize: (value) => value as object,
});
