import { type DocumentNode, Kind } from 'graphql';

type Row = Record<string, unknown>;

/** Names of the variables of all operations of a document. */
export function variablesOf({ definitions }: DocumentNode): Set<string> {
  return new Set(
    definitions.flatMap((node) =>
      node.kind === Kind.OPERATION_DEFINITION
        ? (node.variableDefinitions ?? []).map(({ variable }) => variable.name.value)
        : [],
    ),
  );
}

/** Headers that a value of an answer fills, by its key. */
const HEADERS = new Map<string, (value: string) => Record<string, string>>([
  ['accessToken', (value) => ({ authorization: `Bearer ${value}` })],
  ['queueToken', (value) => ({ 'x-queue-token': value })],
]);

/** The headers that follow from an answer. */
export function headersFrom(data: unknown): Record<string, string> {
  const found = Object.entries(valuesFrom(data, new Set(HEADERS.keys())));
  return Object.assign({}, ...found.map(([key, value]) => HEADERS.get(key)?.(String(value))));
}

/**
 * The values of an answer whose keys are among the names, wherever they are. Of a list it takes them from the row that has
 * most of them, the first of such rows, so that they belong together.
 */
export function valuesFrom(data: unknown, names: ReadonlySet<string>): Row {
  if (Array.isArray(data)) {
    const rows = data.map((row) => valuesFrom(row, names));
    return rows.reduce((best, row) => (Object.keys(row).length > Object.keys(best).length ? row : best), {});
  }
  if (typeof data !== 'object' || data === null) return {};
  const found: Row = {};
  for (const [key, value] of Object.entries(data)) {
    if (typeof value === 'object') Object.assign(found, valuesFrom(value, names));
    else if (names.has(key)) found[key] = value;
  }
  return found;
}

/** Whether an answer has a refusal in it: a Problem has a code and a message. */
export function isRefusal(data: unknown): boolean {
  if (typeof data !== 'object' || data === null) return false;
  const { code, message } = data as Row;
  return (typeof code === 'string' && typeof message === 'string') || Object.values(data).some(isRefusal);
}
