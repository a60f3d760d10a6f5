import { GraphQLError, type GraphQLSchema, getVariableValues, type OperationDefinitionNode } from 'graphql';

/** Bounds on variables: keys of one object, characters of one text, and levels within one another. */
const MAX_KEYS = 50;
const MAX_CHARACTERS = 40_000;
const MAX_LEVELS = 20;
const TOO_LARGE = `An object of the variables has at most ${MAX_KEYS} keys, a text at most ${MAX_CHARACTERS} characters, and there are at most ${MAX_LEVELS} levels.`;

/** Variables as the types of the operation want them, or what is wrong with the first of them that is wrong. */
type Read =
  | { readonly coerced: Record<string, unknown>; readonly fault?: undefined }
  | { readonly coerced?: undefined; readonly fault: GraphQLError };

/**
 * Judges the variables of an operation. graphql-js writes the whole value into each error, so that the work grows with
 * the square of the input: it stops at the second error, and does not begin where the bounds are exceeded.
 * @returns the coerced values, or one BAD_USER_INPUT; never throws
 */
export function readVariables(
  schema: GraphQLSchema,
  { variableDefinitions = [] }: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>> | null | undefined,
): Read {
  const given = variables ?? {};
  if (!Object.entries(given).every(([name, value]) => isBounded(name) && isBounded(value))) return wrong(TOO_LARGE);
  const { coerced, errors } = getVariableValues(schema, variableDefinitions, given, { maxErrors: 1 });
  if (coerced) return { coerced };
  const [first] = errors as readonly [GraphQLError];
  return wrong(first.message, first);
}

function wrong(message: string, { nodes }: { readonly nodes?: GraphQLError['nodes'] } = {}): Read {
  // Apollo sends the status that an error found before execution names.
  const extensions = { code: 'BAD_USER_INPUT', http: { status: 400 } };
  return { fault: new GraphQLError(message, { nodes, extensions }) };
}

function isBounded(value: unknown, levels = MAX_LEVELS): boolean {
  if (typeof value === 'string') return value.length <= MAX_CHARACTERS;
  if (typeof value !== 'object' || value === null) return true;
  if (levels === 0) return false;
  if (Array.isArray(value)) return value.every((item) => isBounded(item, levels - 1));
  let left = MAX_KEYS;
  for (const key in value) {
    left--;
    if (left < 0 || !isBounded(key) || !isBounded((value as Record<string, unknown>)[key], levels - 1)) return false;
  }
  return true;
}
