import { setImmediate as nextTurn } from 'node:timers/promises';
import { type ApolloServerPlugin, HeaderMap } from '@apollo/server';
import {
  type FieldNode,
  type GraphQLField,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  getArgumentValues,
  getNamedType,
  getVariableValues,
  isLeafType,
  isObjectType,
  Kind,
  locatedError,
  type OperationDefinitionNode,
} from 'graphql';
import type { Context } from './context.ts';
import type { Platform } from './platform/platform.ts';
import { presentError } from './present-error.ts';

/** Lists of thousands of plain rows, which whole crowds ask for at once. */
const LISTS = new Set(['seatMap', 'availableSeats']);

/** Rows written before others get their turn. */
const ROWS_PER_TURN = 1_000;

/** JSON as it goes into the answer. */
class JsonText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** One field of a row: its key in the answer, already quoted, and how it gets its value. */
interface Column {
  readonly name: string;
  readonly key: string;
  readonly read: (row: Record<string, unknown>) => unknown;
}

/**
 * Answers a query for one such list without executing it field by field: the guarded resolver gives the rows, which are
 * written as JSON a thousand at a time, and once for all who were given the same rows. Whatever else the query has is
 * left to ordinary execution.
 */
export function answerLeafLists(schema: GraphQLSchema, platform: Platform): ApolloServerPlugin<Context> {
  return {
    requestDidStart: async () => ({
      responseForOperation: async ({ operation, request, contextValue }) => {
        const list = listOf(schema, operation);
        const variables =
          list && getVariableValues(schema, operation.variableDefinitions ?? [], request.variables ?? {});
        if (!variables?.coerced) return null;
        const singleResult = await answer(list as List, variables.coerced, contextValue).catch((error: unknown) =>
          explain(list as List, error, contextValue, platform),
        );
        return { http: { headers: new HeaderMap() }, body: { kind: 'single', singleResult } };
      },
    }),
  };
}

async function answer({ field, node, columns }: List, variables: Record<string, unknown>, context: Context) {
  const args = getArgumentValues(field as GraphQLField<unknown, unknown>, node, variables);
  const resolve = field.resolve as NonNullable<GraphQLField<unknown, Context>['resolve']>;
  const rows = (await resolve(undefined, args, context, {} as GraphQLResolveInfo)) as object[];
  return { data: { [keyOf(node)]: await writeOnce(rows, columns) } };
}

/** The list must not be null, so that an error leaves no data at all. */
function explain({ node }: List, error: unknown, { requestId }: Context, platform: Platform) {
  const located = locatedError(error, [node], [keyOf(node)]);
  return { data: null, errors: [presentError(located, located.toJSON(), requestId, platform)] };
}

function keyOf(node: FieldNode): string {
  return node.alias?.value ?? node.name.value;
}

/** JSON of an answer, in which lists may stand that are JSON already. */
export function stringifyAnswer(answer: { data?: unknown }): string {
  const [entry] = Object.entries(answer.data ?? {});
  if (!(entry?.[1] instanceof JsonText)) return JSON.stringify(answer);
  return `{"data":{${JSON.stringify(entry[0])}:${entry[1].text}}}\n`;
}

interface List {
  readonly field: GraphQLField<unknown, Context>;
  readonly node: FieldNode;
  readonly columns: Column[];
}

function listOf(schema: GraphQLSchema, operation: OperationDefinitionNode): List | undefined {
  const [node, more] = operation.selectionSet.selections;
  if (operation.operation !== 'query' || more || node?.kind !== Kind.FIELD || !LISTS.has(node.name.value))
    return undefined;
  // A variable with a default is coerced by execution: only there it is known.
  if (node.directives?.length || operation.variableDefinitions?.some(({ defaultValue }) => defaultValue))
    return undefined;
  const field = schema.getQueryType()?.getFields()[node.name.value];
  const columns = field && columnsOf(field, node);
  return field && columns && { field, node, columns };
}

/** Undefined unless every selection is a plain field of a leaf type. */
function columnsOf(field: GraphQLField<unknown, Context>, node: FieldNode): Column[] | undefined {
  const type = getNamedType(field.type);
  if (!isObjectType(type)) return undefined;
  const columns = new Map<string, Column>();
  for (const selection of node.selectionSet?.selections ?? []) {
    if (selection.kind !== Kind.FIELD || selection.directives?.length) return undefined;
    const name = selection.name.value;
    const key = JSON.stringify(keyOf(selection));
    const leaf = type.getFields()[name]?.type;
    if (name !== '__typename' && !(leaf && isLeafType(getNamedType(leaf)))) return undefined;
    columns.set(key, { name, key, read: name === '__typename' ? () => type.name : (row) => row[name] });
  }
  return [...columns.values()];
}

const written = new WeakMap<object, Map<string, Promise<JsonText>>>();

function writeOnce(rows: object[], columns: Column[]): Promise<JsonText> {
  const texts = written.get(rows) ?? new Map<string, Promise<JsonText>>();
  written.set(rows, texts);
  const shape = columns.map(({ name, key }) => `${key}:${name}`).join();
  let text = texts.get(shape);
  if (!text) {
    text = write(rows as Record<string, unknown>[], columns);
    texts.set(shape, text);
  }
  return text;
}

async function write(rows: Record<string, unknown>[], columns: Column[]): Promise<JsonText> {
  const parts: string[] = [];
  for (let from = 0; from < rows.length; from += ROWS_PER_TURN) {
    if (from > 0) await nextTurn();
    const turn = rows.slice(from, from + ROWS_PER_TURN);
    parts.push(turn.map((row) => writeRow(row, columns)).join());
  }
  return new JsonText(`[${parts.join()}]`);
}

function writeRow(row: Record<string, unknown>, columns: Column[]): string {
  let text = '';
  for (const { key, read } of columns) text += `${text ? ',' : '{'}${key}:${JSON.stringify(read(row) ?? null)}`;
  return `${text}}`;
}
