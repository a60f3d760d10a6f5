import {
  type FieldNode,
  type GraphQLObjectType,
  type GraphQLOutputType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
} from 'graphql';

/** Writes a value as JSON, as execution would answer it. @throws NotPlain for what only execution can judge */
export type Writer = (value: unknown) => string;

/** The value is not what its type promises: execution must say what that means. */
export class NotPlain extends Error {}

/**
 * A writer for values of `type` with the selection of `node`; undefined unless everything selected is a property of the
 * value itself: no fragments, directives, arguments or resolvers, and no types with several members.
 */
export function writerOf(type: GraphQLOutputType, node: FieldNode): Writer | undefined {
  if (isNonNullType(type)) {
    const write = writerOf(type.ofType, node);
    return write && ((value) => (value === null || value === undefined ? notPlain() : write(value)));
  }
  const write = ofNullable(type, node);
  return write && ((value) => (value === null || value === undefined ? 'null' : write(value)));
}

/** How the field is called in the answer. */
export function keyOf(node: FieldNode): string {
  return node.alias?.value ?? node.name.value;
}

function ofNullable(type: GraphQLOutputType, node: FieldNode): Writer | undefined {
  if (isLeafType(type)) return (value) => JSON.stringify(type.serialize(value)) ?? notPlain();
  if (isListType(type)) {
    const write = writerOf(type.ofType, node);
    return write && ((value) => (Array.isArray(value) ? `[${value.map(write).join()}]` : notPlain()));
  }
  return isObjectType(type) ? ofObject(type, node) : undefined;
}

interface Column {
  readonly name: string;
  /** `"key":`, as it stands in the answer. */
  readonly key: string;
  readonly write: Writer;
}

function ofObject(type: GraphQLObjectType, node: FieldNode): Writer | undefined {
  const columns = columnsOf(type, node);
  if (!columns || type.isTypeOf) return undefined;
  return (value) => {
    if (typeof value !== 'object') return notPlain();
    let text = '';
    for (const { name, key, write } of columns) {
      const property = (value as Record<string, unknown>)[name];
      if (typeof property === 'function' || property instanceof Promise) return notPlain();
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
    // Selected twice, and perhaps with other fields within.
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

function notPlain(): never {
  throw new NotPlain();
}
