import {
  type DocumentNode,
  type ExecutionArgs,
  type FieldNode,
  type GraphQLField,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  getArgumentValues,
  getOperationAST,
  Kind,
} from 'graphql';
import type { Context } from './context.ts';
import { readVariables } from './variables.ts';
import { keyOf, type Writer, writerOf } from './write-plain.ts';

/** How events of one document are written without executing it for each of them. */
class Plan {
  readonly #field: GraphQLField<unknown, Context>;
  readonly #node: FieldNode;
  readonly #open: string;
  readonly #write: Writer;
  /** Whole crowds hear one event at the same moment: it is written once. */
  #written: { value: unknown; text: string } | undefined;

  constructor(field: GraphQLField<unknown, Context>, node: FieldNode, write: Writer) {
    this.#field = field;
    this.#node = node;
    this.#open = `{"data":{${JSON.stringify(keyOf(node))}:`;
    this.#write = write;
  }

  argumentsOf(variables: Record<string, unknown>): Record<string, unknown> {
    return getArgumentValues(this.#field as GraphQLField<unknown, unknown>, this.#node, variables);
  }

  /** What the guarded resolver makes of an event. */
  resolve(event: unknown, args: Record<string, unknown>, context: Context): unknown {
    const { resolve } = this.#field;
    return resolve ? resolve(event, args, context, {} as GraphQLResolveInfo) : undefined;
  }

  write(value: unknown): string {
    if (this.#written && this.#written.value === value) return this.#written.text;
    const text = `${this.#open}${this.#write(value)}}}`;
    this.#written = { value, text };
    return text;
  }
}

/** Plans by document, which read-subscription.ts shares among all who sent the same text; null: there is none. */
const plans = new WeakMap<DocumentNode, Plan | null>();

/** Answers the JSON of an event's result; undefined where the event has to be executed. */
export type WriteEvent = (event: unknown) => Promise<string | undefined> | string | undefined;

/**
 * A function that writes the events of a subscription whose selection is plain (see write-plain.ts); undefined for any
 * other. The field's guards are asked for every event all the same, and whatever goes wrong is left to execution, which
 * answers it as it always does.
 */
export function writerOfEvents(execution: ExecutionArgs): WriteEvent | undefined {
  const { schema, document, variableValues } = execution;
  const operation = getOperationAST(document, execution.operationName);
  const plan = planOf(schema, document);
  if (!plan || !operation) return undefined;
  const { coerced } = readVariables(schema, operation, variableValues);
  if (!coerced) return undefined;
  const args = plan.argumentsOf(coerced);
  const context = execution.contextValue as Context;
  return (event) => {
    try {
      const value = plan.resolve(event, args, context);
      return value instanceof Promise
        ? value.then((known) => plan.write(known)).catch(() => undefined)
        : plan.write(value);
    } catch {
      return undefined;
    }
  };
}

function planOf(schema: GraphQLSchema, document: DocumentNode): Plan | null {
  let plan = plans.get(document);
  if (plan === undefined) {
    plan = makePlan(schema, document);
    plans.set(document, plan);
  }
  return plan;
}

function makePlan(schema: GraphQLSchema, document: DocumentNode): Plan | null {
  const [operation, more] = document.definitions;
  if (more || operation?.kind !== Kind.OPERATION_DEFINITION) return null;
  const [node, second] = operation.selectionSet.selections;
  if (second || node?.kind !== Kind.FIELD || node.directives?.length) return null;
  const field = schema.getSubscriptionType()?.getFields()[node.name.value];
  const write = field && writerOf(field.type, node);
  return field && write ? new Plan(field, node, write) : null;
}
