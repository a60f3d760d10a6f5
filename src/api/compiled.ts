import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  type DocumentNode,
  type ExecutionResult,
  type FieldNode,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  getArgumentValues,
  getNullableType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  locatedError,
  type OperationDefinitionNode,
} from 'graphql';
import pLimit from 'p-limit';
import type { Context } from './context.ts';

/** Rows of a list that are written before other requests get their turn. */
const ROWS_PER_TURN = 1_000;

/** A process writes at most two longer lists at once, because partly written lists take memory too. */
const writing = pLimit(2);

/**
 * The answer of a plan for one root value: the whole result as JSON; a result with errors that are not yet presented;
 * or undefined when the operation has to be executed.
 */
export type Answer = string | ExecutionResult | undefined;

/** Answers for one root value, which is undefined for a query and an event for a subscription. */
export type Answering = (root: unknown) => Promise<Answer> | Answer;

/**
 * Answers an operation of exactly one field with a plain selection without executing it field by field: checks access,
 * calls the resolver, and writes its value as JSON. The plan is the same for a query and for each event of a
 * subscription. A selection is plain when it has nothing but properties of the value itself: no fragments, directives,
 * arguments or resolvers within, and no types with several members.
 */
export class Plan {
  readonly operation: OperationDefinitionNode;
  readonly #field: GraphQLField<unknown, Context>;
  readonly #node: FieldNode;
  readonly #open: string;
  readonly #write: Writer;
  /** Writes one row of the value; set when the value is a list. */
  readonly #writeRow: Writer | undefined;
  /** The texts of lists that several callers receive, such as the rows of a map: each is written once. */
  readonly #written = new WeakMap<object, Promise<string>>();
  /** The last event and its text: an event that all subscribers receive reaches them one after another. */
  #last: { readonly event: unknown; readonly text: string } | undefined;

  constructor(
    operation: OperationDefinitionNode,
    field: GraphQLField<unknown, Context>,
    node: FieldNode,
    write: Writer,
  ) {
    this.operation = operation;
    this.#field = field;
    this.#node = node;
    this.#open = `{"data":{${JSON.stringify(keyOf(node))}:`;
    this.#write = write;
    const type = getNullableType(field.type);
    this.#writeRow = isListType(type) ? writerOf(type.ofType, node) : undefined;
  }

  /**
   * Takes the variables and the caller of one request or subscription.
   * @param variables as readVariables in limits.ts has coerced them
   * @returns a function to call with each root value; undefined for wrong arguments, whose error execution reports
   */
  begin(variables: Record<string, unknown>, context: Context): Answering | undefined {
    let args: Record<string, unknown>;
    try {
      args = getArgumentValues(this.#field as GraphQLField<unknown, unknown>, this.#node, variables);
    } catch {
      return undefined;
    }
    return (root) => this.#answer(root, args, context);
  }

  #answer(root: unknown, args: Record<string, unknown>, context: Context): Promise<Answer> | Answer {
    let value: unknown;
    try {
      value = this.#field.resolve?.(root, args, context, {} as GraphQLResolveInfo);
    } catch (error) {
      return this.#refused(error);
    }
    if (!(value instanceof Promise)) return this.#tryToWrite(value);
    return value.then(
      (settled) => this.#tryToWrite(settled),
      (error: unknown) => this.#refused(error),
    );
  }

  /** The result for an error that the resolver threw, in the form of execution. */
  #refused(error: unknown): ExecutionResult {
    const key = keyOf(this.#node);
    const data = isNonNullType(this.#field.type) ? null : { [key]: null };
    return { errors: [locatedError(error, [this.#node], [key])], data };
  }

  /** Writes a value; undefined for a value that does not fit its type, which execution then reports. */
  #tryToWrite(value: unknown): Promise<string | undefined> | string | undefined {
    try {
      const text = this.#writeOnce(value);
      return typeof text === 'string' ? text : text.catch(() => undefined);
    } catch {
      return undefined;
    }
  }

  #writeOnce(value: unknown): Promise<string> | string {
    if (this.#writeRow && Array.isArray(value)) {
      const text = this.#written.get(value) ?? this.#writeRows(value);
      this.#written.set(value, text);
      return text;
    }
    if (this.operation.operation !== 'subscription') return this.#enclose(this.#write(value));
    const last = this.#last;
    if (last && last.event === value) return last.text;
    const text = this.#enclose(this.#write(value));
    this.#last = { event: value, text };
    return text;
  }

  /**
   * Writes the rows in parts; forgets their text in the next turn, because the rows may be kept for other documents.
   */
  async #writeRows(rows: readonly unknown[]): Promise<string> {
    try {
      const isLong = rows.length > ROWS_PER_TURN;
      return await (isLong ? writing(() => this.#writeInTurns(rows)) : this.#writeInTurns(rows));
    } finally {
      void nextTurn().then(() => this.#written.delete(rows));
    }
  }

  async #writeInTurns(rows: readonly unknown[]): Promise<string> {
    const parts: string[] = [];
    for (let from = 0; from < rows.length; from += ROWS_PER_TURN) {
      if (from > 0) await nextTurn();
      const turn = rows.slice(from, from + ROWS_PER_TURN);
      parts.push(turn.map(this.#writeRow as Writer).join());
    }
    return this.#enclose(`[${parts.join()}]`);
  }

  #enclose(text: string): string {
    return `${this.#open}${text}}}`;
  }
}

/** The plan of a valid document with one operation; undefined when the document has to be executed. */
export function planOf(schema: GraphQLSchema, { definitions }: DocumentNode): Plan | undefined {
  const [operation, another] = definitions;
  if (another || operation?.kind !== Kind.OPERATION_DEFINITION || operation.operation === 'mutation') return undefined;
  const [node, second] = operation.selectionSet.selections;
  if (second || node?.kind !== Kind.FIELD || node.directives?.length || operation.directives?.length) return undefined;
  const field = schema.getRootType(operation.operation)?.getFields()[node.name.value];
  const write = field?.resolve && writerOf(field.type, node);
  return field && write ? new Plan(operation, field, node, write) : undefined;
}

/** Writes a value as the JSON that execution would answer. @throws any error when the value has to be executed */
type Writer = (value: unknown) => string;

/** A writer for values of `type` with the selection of `node`; undefined where the selection is not plain. */
function writerOf(type: GraphQLOutputType, node: FieldNode): Writer | undefined {
  if (isNonNullType(type)) {
    const write = writerOf(type.ofType, node);
    return write && ((value) => (value === null || value === undefined ? unexpected() : write(value)));
  }
  const write = writerOfNullable(type, node);
  return write && ((value) => (value === null || value === undefined ? 'null' : write(value)));
}

function writerOfNullable(type: GraphQLOutputType, node: FieldNode): Writer | undefined {
  if (isLeafType(type)) return (value) => JSON.stringify(type.serialize(value) ?? unexpected());
  if (isListType(type)) {
    const write = writerOf(type.ofType, node);
    return write && ((value) => (Array.isArray(value) ? `[${value.map(write).join()}]` : unexpected()));
  }
  return isObjectType(type) ? writerOfObject(type, node) : undefined;
}

interface Column {
  readonly name: string;
  /** `"key":` as it is written in the answer. */
  readonly key: string;
  readonly write: Writer;
}

function writerOfObject(type: GraphQLObjectType, node: FieldNode): Writer | undefined {
  const columns = columnsOf(type, node);
  if (!columns || type.isTypeOf) return undefined;
  return (value) => {
    if (typeof value !== 'object' || value instanceof Promise || value instanceof Error) return unexpected();
    let text = '';
    for (const { name, key, write } of columns) {
      const property = (value as Record<string, unknown>)[name];
      if (typeof property === 'function' || property instanceof Promise) return unexpected();
      text += `${text ? ',' : '{'}${key}${write(property)}`;
    }
    return `${text}}`;
  };
}

function columnsOf(type: GraphQLObjectType, node: FieldNode): Column[] | undefined {
  const columns = new Map<string, Column>();
  for (const selection of node.selectionSet?.selections ?? []) {
    if (selection.kind !== Kind.FIELD || selection.directives?.length || selection.arguments?.length) return undefined;
    const key = `${JSON.stringify(keyOf(selection))}:`;
    // The key is selected twice, possibly with different fields within.
    if (columns.has(key) && selection.selectionSet) return undefined;
    const write = writerOfField(type, selection);
    if (!write) return undefined;
    columns.set(key, { name: selection.name.value, key, write });
  }
  return [...columns.values()];
}

function writerOfField(type: GraphQLObjectType, node: FieldNode): Writer | undefined {
  if (node.name.value === '__typename') return () => JSON.stringify(type.name);
  const field = type.getFields()[node.name.value];
  return field && !field.resolve ? writerOf(field.type, node) : undefined;
}

/** The key of the field in the answer. */
function keyOf(node: FieldNode): string {
  return node.alias?.value ?? node.name.value;
}

function unexpected(): never {
  throw new Error('the value is not what its type promises');
}
