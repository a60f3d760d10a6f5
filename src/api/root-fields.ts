import { type DocumentNode, Kind, type OperationDefinitionNode, type SelectionSetNode } from 'graphql';

/** Known documents are asked for again and again. */
const known = new WeakMap<OperationDefinitionNode, readonly string[]>();

/**
 * Names of the root fields of an operation, as often as they are selected, with those of fragments where they are used.
 * @param document valid and within the limits, so that fragments have no circles, and there are few fields
 */
export function rootFieldsOf(document: DocumentNode, operation: OperationDefinitionNode): readonly string[] {
  const found = known.get(operation);
  if (found) return found;
  const fragments = new Map(
    document.definitions.flatMap((node) =>
      node.kind === Kind.FRAGMENT_DEFINITION ? [[node.name.value, node.selectionSet]] : [],
    ),
  );
  const namesIn = ({ selections }: SelectionSetNode): string[] =>
    selections.flatMap((selection) => {
      if (selection.kind === Kind.FIELD) return [selection.name.value];
      if (selection.kind === Kind.INLINE_FRAGMENT) return namesIn(selection.selectionSet);
      const set = fragments.get(selection.name.value);
      return set ? namesIn(set) : [];
    });
  const names = namesIn(operation.selectionSet);
  known.set(operation, names);
  return names;
}
