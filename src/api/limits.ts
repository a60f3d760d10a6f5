import {
  type ASTVisitor,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isInterfaceType,
  isListType,
  isObjectType,
  Kind,
  type NamedTypeNode,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  type ValidationContext,
} from 'graphql';

/** Most tokens of one document: parsing stops there. */
export const MOST_TOKENS = 10_000;

/** Bounds on one operation, with every fragment counted where it is used. */
const MOST = { depth: 16, lists: 3, introspectionDepth: 26, fields: 600, rootMutations: 10, directives: 100 } as const;

interface Size {
  readonly depth: number;
  /** Lists of objects within one another: each multiplies what is in it. */
  readonly lists: number;
  readonly fields: number;
  readonly directives: number;
}

const NOTHING: Size = { depth: 0, lists: 0, fields: 0, directives: 0 };

/** A validation rule that refuses operations too big to be meant well, before any resolver runs. */
export function LimitsRule(context: ValidationContext): ASTVisitor {
  return {
    Document(document) {
      const fragments = new Map(document.definitions.filter(isFragment).map((node) => [node.name.value, node]));
      for (const operation of document.definitions.filter(isOperation)) {
        const fault = faultOf(context.getSchema(), operation, fragments);
        if (fault) context.reportError(new GraphQLError(fault, { nodes: operation }));
      }
    },
  };
}

function faultOf(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  fragments: Map<string, FragmentDefinitionNode>,
): string | undefined {
  const measure = measurer(schema, fragments);
  const size = measure(operation.selectionSet, schema.getRootType(operation.operation));
  const introspects = operation.selectionSet.selections.every(
    (selection) => selection.kind === Kind.FIELD && selection.name.value.startsWith('__'),
  );
  const mostDepth = introspects ? MOST.introspectionDepth : MOST.depth;
  if (size.depth > mostDepth) return `The operation is deeper than ${mostDepth} levels.`;
  if (!introspects && size.lists > MOST.lists)
    return `The operation has more than ${MOST.lists} lists within one another.`;
  if (size.fields > MOST.fields) return `The operation has more than ${MOST.fields} fields.`;
  if (size.directives > MOST.directives) return `The operation has more than ${MOST.directives} directives.`;
  if (operation.operation === 'mutation' && rootFields(operation.selectionSet, fragments) > MOST.rootMutations) {
    return `The operation has more than ${MOST.rootMutations} mutations.`;
  }
  return undefined;
}

type Measure = (set: SelectionSetNode, type: GraphQLNamedType | undefined | null) => Size;

/** Sizes of selection sets; each fragment is measured once, and one that contains itself counts as nothing. */
function measurer(schema: GraphQLSchema, fragments: Map<string, FragmentDefinitionNode>): Measure {
  const measured = new Map<string, Size>();
  const measure: Measure = (set, type) =>
    set.selections.map((selection) => measureOne(selection, type)).reduce(beside, NOTHING);
  const measureOne = (selection: SelectionNode, type: GraphQLNamedType | undefined | null): Size => {
    const directives = selection.directives?.length ?? 0;
    if (selection.kind === Kind.FIELD) return measureField(selection, type, directives);
    const inner =
      selection.kind === Kind.INLINE_FRAGMENT
        ? measure(selection.selectionSet, typeOf(selection.typeCondition, type))
        : measureFragment(selection.name.value);
    return { ...inner, directives: inner.directives + directives };
  };
  const measureField = (node: FieldNode, parent: GraphQLNamedType | undefined | null, directives: number): Size => {
    const type =
      isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[node.name.value]?.type : undefined;
    if (!node.selectionSet) return { depth: 1, lists: 0, fields: 1, directives };
    const inner = measure(node.selectionSet, type && getNamedType(type));
    const lists = inner.lists + (type && isListType(getNullableType(type)) ? 1 : 0);
    return { depth: inner.depth + 1, lists, fields: inner.fields + 1, directives: inner.directives + directives };
  };
  const measureFragment = (name: string): Size => {
    const known = measured.get(name);
    if (known) return known;
    measured.set(name, NOTHING);
    const fragment = fragments.get(name);
    const size = fragment ? measure(fragment.selectionSet, typeOf(fragment.typeCondition, undefined)) : NOTHING;
    measured.set(name, size);
    return size;
  };
  const typeOf = (condition: NamedTypeNode | undefined, otherwise: GraphQLNamedType | undefined | null) =>
    condition ? schema.getType(condition.name.value) : otherwise;
  return measure;
}

function beside(a: Size, b: Size): Size {
  return {
    depth: Math.max(a.depth, b.depth),
    lists: Math.max(a.lists, b.lists),
    fields: a.fields + b.fields,
    directives: a.directives + b.directives,
  };
}

/** Fields at the root, fragments counted where they are used; each is counted once, and within itself as nothing. */
function rootFields(set: SelectionSetNode, fragments: Map<string, FragmentDefinitionNode>): number {
  const counted = new Map<string, number>();
  const count = ({ selections }: SelectionSetNode): number =>
    selections.reduce((sum, selection) => sum + countOne(selection), 0);
  const countOne = (selection: SelectionNode): number => {
    if (selection.kind === Kind.FIELD) return 1;
    if (selection.kind === Kind.INLINE_FRAGMENT) return count(selection.selectionSet);
    const name = selection.name.value;
    const known = counted.get(name);
    if (known !== undefined) return known;
    counted.set(name, 0);
    const fragment = fragments.get(name);
    const fields = fragment ? count(fragment.selectionSet) : 0;
    counted.set(name, fields);
    return fields;
  };
  return count(set);
}

/**
 * Judges the root of subscriptions before they are validated: graphql-js evaluates @skip and @include of a root field
 * while it validates, without variables, and throws; and a subscription without its only field cannot be executed.
 * @returns what is wrong with the document; undefined when it may be validated
 */
export function subscriptionFault({ definitions }: DocumentNode): string | undefined {
  const fragments = new Map(definitions.filter(isFragment).map((node) => [node.name.value, node]));
  const isConditional = ({ selections }: SelectionSetNode): boolean =>
    selections.some((selection) => {
      if (selection.directives?.some(({ name }) => name.value === 'skip' || name.value === 'include')) return true;
      if (selection.kind === Kind.FIELD) return false;
      if (selection.kind === Kind.INLINE_FRAGMENT) return isConditional(selection.selectionSet);
      const fragment = fragments.get(selection.name.value);
      fragments.delete(selection.name.value);
      return fragment !== undefined && isConditional(fragment.selectionSet);
    });
  const isFaulty = definitions
    .filter(isOperation)
    .some(({ operation, selectionSet }) => operation === 'subscription' && isConditional(selectionSet));
  return isFaulty ? 'The root field of a subscription takes neither @skip nor @include.' : undefined;
}

function isFragment(node: DocumentNode['definitions'][number]): node is FragmentDefinitionNode {
  return node.kind === Kind.FRAGMENT_DEFINITION;
}

function isOperation(node: DocumentNode['definitions'][number]): node is OperationDefinitionNode {
  return node.kind === Kind.OPERATION_DEFINITION;
}
