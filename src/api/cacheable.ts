import {
  type DocumentNode,
  type GraphQLField,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import { Extensions } from 'type-graphql';
import type { Declared } from './context.ts';

/**
 * Declares that a field answers everybody the same, so that caches may keep it. An answer is kept only when every field in
 * it is declared so, and no longer than the shortest of their times; a field that says nothing keeps it out of all caches.
 * @param seconds how old the field may be; left out for a field that ages with what it is selected of
 */
export function Cacheable(seconds = Number.POSITIVE_INFINITY): ReturnType<typeof Extensions> {
  return Extensions({ cacheSeconds: seconds } satisfies Declared);
}

/** Known documents are asked for again and again. */
const known = new WeakMap<OperationDefinitionNode, number>();

/**
 * For how long caches may keep the answer of an operation, as its fields declare it.
 * @param document valid
 * @returns whole seconds; 0 for an answer that no cache may keep
 */
export function cacheSecondsOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): number {
  const found = known.get(operation);
  if (found !== undefined) return found;
  let seconds = Number.POSITIVE_INFINITY;
  const types = new TypeInfo(schema);
  const look = visitWithTypeInfo(types, {
    Field({ name }) {
      if (name.value !== '__typename') seconds = Math.min(seconds, declared(types.getFieldDef()));
    },
  });
  const others = document.definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION);
  for (const node of [operation, ...others]) visit(node, look);
  // Of a document that selects names of types alone nothing says how old it may be.
  if (!Number.isFinite(seconds)) seconds = 0;
  known.set(operation, seconds);
  return seconds;
}

function declared(field: GraphQLField<unknown, unknown> | null | undefined): number {
  return (field?.extensions as Declared | undefined)?.cacheSeconds ?? 0;
}
