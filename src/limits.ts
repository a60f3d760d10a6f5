import {
  type ASTVisitor,
  type DocumentNode,
  type FragmentDefinitionNode,
  GraphQLError,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValidationContext,
} from 'graphql';

/** Most tokens of one document: parsing stops there. */
export const MOST_TOKENS = 10_000;

/** Bounds on one operation, with every fragment counted where it is used. */
const MOST = { depth: 16, introspectionDepth: 26, fields: 600, rootMutations: 10, directives: 100 } as const;

interface Size {
  readonly depth: number;
  readonly fields: number;
  readonly directives: number;
}

const NOTHING: Size = { depth: 0, fields: 0, directives: 0 };

/** A validation rule that refuses operations too big to be meant well, before any resolver runs. */
export function LimitsRule(context: ValidationContext): ASTVisitor {
  return {
    Document(document) {
      const fragments = new Map(document.definitions.filter(isFragment).map((node) => [node.name.value, node]));
      for (const operation of document.definitions.filter(isOperation)) {
        const fault = faultOf(operation, fragments);
        if (fault) context.reportError(new GraphQLError(fault, { nodes: operation }));
      }
    },
  };
}

function faultOf(
  operation: OperationDefinitionNode,
  fragments: Map<string, FragmentDefinitionNode>,
): string | undefined {
  const measure = measurer(fragments);
  const size = measure(operation.selectionSet);
  const introspects = operation.selectionSet.selections.every(
    (selection) => selection.kind === Kind.FIELD && selection.name.value.startsWith('__'),
  );
  const mostDepth = introspects ? MOST.introspectionDepth : MOST.depth;
  if (size.depth > mostDepth) return `The operation is deeper than ${mostDepth} levels.`;
  if (size.fields > MOST.fields) return `The operation has more than ${MOST.fields} fields.`;
  if (size.directives > MOST.directives) return `The operation has more than ${MOST.directives} directives.`;
  if (operation.operation === 'mutation' && rootFields(operation.selectionSet, fragments) > MOST.rootMutations) {
    return `The operation has more than ${MOST.rootMutations} mutations.`;
  }
  return undefined;
}

/** Sizes of selection sets; each fragment is measured once, and one that contains itself counts as nothing. */
function measurer(fragments: Map<string, FragmentDefinitionNode>): (set: SelectionSetNode) => Size {
  const measured = new Map<string, Size>();
  const measure = (set: SelectionSetNode): Size => set.selections.map(measureOne).reduce(beside, NOTHING);
  const measureOne = (selection: SelectionSetNode['selections'][number]): Size => {
    const directives = selection.directives?.length ?? 0;
    if (selection.kind === Kind.FIELD) {
      const inner = selection.selectionSet ? measure(selection.selectionSet) : NOTHING;
      return { depth: inner.depth + 1, fields: inner.fields + 1, directives: inner.directives + directives };
    }
    const inner =
      selection.kind === Kind.INLINE_FRAGMENT ? measure(selection.selectionSet) : measureFragment(selection.name.value);
    return { ...inner, directives: inner.directives + directives };
  };
  const measureFragment = (name: string): Size => {
    const known = measured.get(name);
    if (known) return known;
    measured.set(name, NOTHING);
    const fragment = fragments.get(name);
    const size = fragment ? measure(fragment.selectionSet) : NOTHING;
    measured.set(name, size);
    return size;
  };
  return measure;
}

function beside(a: Size, b: Size): Size {
  return {
    depth: Math.max(a.depth, b.depth),
    fields: a.fields + b.fields,
    directives: a.directives + b.directives,
  };
}

function rootFields(
  set: SelectionSetNode,
  fragments: Map<string, FragmentDefinitionNode>,
  within = new Set<string>(),
): number {
  return set.selections.reduce((sum, selection) => {
    if (selection.kind === Kind.FIELD) return sum + 1;
    if (selection.kind === Kind.INLINE_FRAGMENT) return sum + rootFields(selection.selectionSet, fragments, within);
    const name = selection.name.value;
    const fragment = within.has(name) ? undefined : fragments.get(name);
    return sum + (fragment ? rootFields(fragment.selectionSet, fragments, new Set([...within, name])) : 0);
  }, 0);
}

function isFragment(node: DocumentNode['definitions'][number]): node is FragmentDefinitionNode {
  return node.kind === Kind.FRAGMENT_DEFINITION;
}

function isOperation(node: DocumentNode['definitions'][number]): node is OperationDefinitionNode {
  return node.kind === Kind.OPERATION_DEFINITION;
}
