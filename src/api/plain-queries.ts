import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  type FieldNode,
  type GraphQLField,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  getArgumentValues,
  getNullableType,
  isListType,
  isNonNullType,
  Kind,
  locatedError,
  type OperationDefinitionNode,
} from 'graphql';
import type { Context } from './context.ts';
import { presentError } from './errors.ts';
import { readVariables } from './variables.ts';
import { keyOf, NotPlain, type Writer, writerOf } from './write-plain.ts';

/** Rows of a list that are written before others get their turn. */
const ROWS_PER_TURN = 1_000;

/**
 * A query for exactly one field with a plain selection (write-plain.ts), which is answered without executing it field by
 * field: the guarded resolver gives the value, which is written as JSON. What the resolver refuses is answered as
 * execution would; whatever is not as the types promise is left to execution.
 */
export class PlainQuery {
  readonly #schema: GraphQLSchema;
  readonly #operation: OperationDefinitionNode;
  readonly #field: GraphQLField<unknown, Context>;
  readonly #node: FieldNode;
  readonly #open: string;
  readonly #write: Writer;
  /** Set where the answer is a list: writes one of its rows. */
  readonly #writeRow: Writer | undefined;
  /** Lists that several were given are written once. */
  readonly #written = new WeakMap<object, Promise<string>>();

  private constructor(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    field: GraphQLField<unknown, Context>,
    node: FieldNode,
    write: Writer,
  ) {
    this.#schema = schema;
    this.#operation = operation;
    this.#field = field;
    this.#node = node;
    this.#open = `{"data":{${JSON.stringify(keyOf(node))}:`;
    this.#write = write;
    this.#writeRow = writerOfRows(field.type, node);
  }

  /** Undefined unless the operation, found valid, is such a query. */
  static of(schema: GraphQLSchema, operation: OperationDefinitionNode): PlainQuery | undefined {
    const [node, more] = operation.selectionSet.selections;
    if (operation.operation !== 'query' || operation.directives?.length) return undefined;
    if (more || node?.kind !== Kind.FIELD || node.directives?.length) return undefined;
    const field = schema.getQueryType()?.getFields()[node.name.value];
    const write = field?.resolve && writerOf(field.type, node);
    return field && write ? new PlainQuery(schema, operation, field, node, write) : undefined;
  }

  /** The operation's name, where it has one. */
  get name(): string | undefined {
    return this.#operation.name?.value;
  }

  /** @returns the answer as JSON; undefined: only execution can tell */
  async answer(variables: Record<string, unknown>, context: Context): Promise<string | undefined> {
    const args = this.#argumentsOf(variables);
    if (!args) return undefined;
    try {
      const given = this.#field.resolve?.(undefined, args, context, {} as GraphQLResolveInfo);
      const value = given instanceof Promise ? await given : given;
      const text =
        this.#writeRow && Array.isArray(value) ? await this.#writeOnce(value, this.#writeRow) : this.#write(value);
      return `${this.#open}${text}}}`;
    } catch (error) {
      return error instanceof NotPlain ? undefined : this.#explain(error, context);
    }
  }

  #argumentsOf(variables: Record<string, unknown>): Record<string, unknown> | undefined {
    const { coerced } = readVariables(this.#schema, this.#operation, variables);
    if (!coerced) return undefined;
    try {
      return getArgumentValues(this.#field as GraphQLField<unknown, unknown>, this.#node, coerced);
    } catch {
      return undefined;
    }
  }

  #explain(error: unknown, { requestId, platform }: Context): string {
    const key = keyOf(this.#node);
    const located = locatedError(error, [this.#node], [key]);
    const errors = [presentError(located, located.toJSON(), requestId, platform)];
    return JSON.stringify({ errors, data: isNonNullType(this.#field.type) ? null : { [key]: null } });
  }

  #writeOnce(rows: unknown[], writeRow: Writer): Promise<string> {
    let text = this.#written.get(rows);
    if (!text) {
      text = writeInTurns(rows, writeRow);
      this.#written.set(rows, text);
    }
    return text;
  }
}

function writerOfRows(type: GraphQLOutputType, node: FieldNode): Writer | undefined {
  const nullable = getNullableType(type);
  return isListType(nullable) ? writerOf(nullable.ofType, node) : undefined;
}

async function writeInTurns(rows: unknown[], writeRow: Writer): Promise<string> {
  const parts: string[] = [];
  for (let from = 0; from < rows.length; from += ROWS_PER_TURN) {
    if (from > 0) await nextTurn();
    parts.push(
      rows
        .slice(from, from + ROWS_PER_TURN)
        .map(writeRow)
        .join(),
    );
  }
  return `[${parts.join()}]`;
}
