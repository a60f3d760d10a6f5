import {
  type ASTVisitor,
  BREAK,
  coerceInputValue,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLErrorExtensions,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  getVariableValues,
  isInputType,
  isInterfaceType,
  isListType,
  isObjectType,
  Kind,
  type NamedTypeNode,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  typeFromAST,
  type ValidationContext,
  type ValueNode,
  type VariableDefinitionNode,
  visit,
} from 'graphql';
import { CountByKey } from '../platform/count-by-key.ts';
import { type Platform, perProcess } from '../platform/platform.ts';
import { SECOND } from '../platform/units.ts';
import type { Caller } from './context.ts';
import { CallerError } from './problems.ts';

/** Most tokens of one document: parsing stops there. */
export const MAX_TOKENS = 10_000;

/** Most nested brackets of a document: far more than an operation within the limits has. */
const MAX_NESTING = 100;

/** Bounds on one operation, with every fragment counted where it is used. */
const MAX = {
  depth: 16,
  lists: 3,
  introspectionDepth: 26,
  fields: 600,
  fieldsOfList: 200,
  rootMutations: 10,
  directives: 100,
} as const;

/** Longest alias, in characters: it is repeated for every row of the answer. */
const MAX_ALIAS = 100;

/**
 * Checks a GraphQL text before it is parsed, because parsing and validating recurse as deep as the text and could run
 * out of stack. Brackets in strings and comments do not count.
 * @returns what is wrong with it; undefined when it may be parsed
 */
export function nestingFault(text: string): string | undefined {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === HASH) at = endOfLine(text, at);
    else if (OPENING.has(code)) depth++;
    else if (CLOSING.has(code)) depth--;
    if (depth > MAX_NESTING) return `The document is deeper than ${MAX_NESTING} levels.`;
  }
  return undefined;
}

const [QUOTE, BACKSLASH, HASH, LINE_FEED, RETURN] = ['"', '\\', '#', '\n', '\r'].map((sign) => sign.charCodeAt(0));
const OPENING = codesOf('{[(');
const CLOSING = codesOf('}])');

function codesOf(signs: string): Set<number> {
  return new Set([...signs].map((sign) => sign.charCodeAt(0)));
}

/** Index of the last character of the string or block string that begins at `from`. */
function endOfString(text: string, from: number): number {
  if (text.startsWith('"""', from)) return endOfBlock(text, from);
  for (let at = from + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === BACKSLASH) at++;
    else if (code === QUOTE || code === LINE_FEED || code === RETURN) return at;
  }
  return text.length;
}

function endOfBlock(text: string, from: number): number {
  let at = text.indexOf('"""', from + 3);
  while (at > 0 && text.charCodeAt(at - 1) === BACKSLASH) at = text.indexOf('"""', at + 3);
  return at < 0 ? text.length : at + 2;
}

function endOfLine(text: string, from: number): number {
  let at = from;
  while (at < text.length && text.charCodeAt(at) !== LINE_FEED && text.charCodeAt(at) !== RETURN) at++;
  return at;
}

/**
 * Checks the root of subscriptions before they are validated: graphql-js evaluates @skip and @include of a root field
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

/** A validation rule that refuses operations that are too large, before any resolver runs. */
export function LimitsRule(context: ValidationContext): ASTVisitor {
  return {
    Document(document) {
      const fragments = new Map(document.definitions.filter(isFragment).map((node) => [node.name.value, node]));
      for (const operation of document.definitions.filter(isOperation)) {
        const fault = sizeFault(context.getSchema(), operation, fragments);
        if (fault) context.reportError(new GraphQLError(fault, { nodes: operation }));
      }
    },
    Field({ alias }) {
      if (alias && alias.value.length > MAX_ALIAS) {
        context.reportError(new GraphQLError(`An alias has more than ${MAX_ALIAS} characters.`, { nodes: alias }));
      }
    },
  };
}

function sizeFault(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  fragments: Map<string, FragmentDefinitionNode>,
): string | undefined {
  const measure = measurer(schema, fragments);
  const size = measure(operation.selectionSet, schema.getRootType(operation.operation));
  const introspects = operation.selectionSet.selections.every(
    (selection) => selection.kind === Kind.FIELD && selection.name.value.startsWith('__'),
  );
  const maxDepth = introspects ? MAX.introspectionDepth : MAX.depth;
  if (size.depth > maxDepth) return `The operation is deeper than ${maxDepth} levels.`;
  if (!introspects && size.lists > MAX.lists)
    return `The operation has more than ${MAX.lists} lists within one another.`;
  if (size.fields > MAX.fields) return `The operation has more than ${MAX.fields} fields.`;
  if (!introspects && size.fieldsOfList > MAX.fieldsOfList)
    return `The operation has more than ${MAX.fieldsOfList} fields in one list.`;
  if (size.directives > MAX.directives) return `The operation has more than ${MAX.directives} directives.`;
  if (operation.operation === 'mutation' && size.width > MAX.rootMutations) {
    return `The operation has more than ${MAX.rootMutations} mutations.`;
  }
  return undefined;
}

interface Size {
  readonly depth: number;
  /** Nested lists of objects: each multiplies the fields within it. */
  readonly lists: number;
  /** Fields of the selection set itself, without those within them. */
  readonly width: number;
  readonly fields: number;
  /** Most fields within one list of objects: each is answered for every row. */
  readonly fieldsOfList: number;
  readonly directives: number;
}

const EMPTY: Size = { depth: 0, lists: 0, width: 0, fields: 0, fieldsOfList: 0, directives: 0 };

type Measure = (set: SelectionSetNode, type: GraphQLNamedType | undefined | null) => Size;

/** Sizes of selection sets; each fragment is measured once, and one that contains itself counts as empty. */
function measurer(schema: GraphQLSchema, fragments: Map<string, FragmentDefinitionNode>): Measure {
  const measured = new Map<string, Size>();
  const measure: Measure = (set, type) =>
    set.selections.map((selection) => measureOne(selection, type)).reduce(sum, EMPTY);
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
    if (!node.selectionSet) return { ...EMPTY, depth: 1, width: 1, fields: 1, directives };
    const inner = measure(node.selectionSet, type && getNamedType(type));
    const isList = type && isListType(getNullableType(type));
    return {
      depth: inner.depth + 1,
      lists: inner.lists + (isList ? 1 : 0),
      width: 1,
      fields: inner.fields + 1,
      fieldsOfList: isList ? inner.fields : inner.fieldsOfList,
      directives: inner.directives + directives,
    };
  };
  const measureFragment = (name: string): Size => {
    const known = measured.get(name);
    if (known) return known;
    measured.set(name, EMPTY);
    const fragment = fragments.get(name);
    const size = fragment ? measure(fragment.selectionSet, typeOf(fragment.typeCondition, undefined)) : EMPTY;
    measured.set(name, size);
    return size;
  };
  const typeOf = (condition: NamedTypeNode | undefined, otherwise: GraphQLNamedType | undefined | null) =>
    condition ? schema.getType(condition.name.value) : otherwise;
  return measure;
}

function sum(a: Size, b: Size): Size {
  return {
    depth: Math.max(a.depth, b.depth),
    lists: Math.max(a.lists, b.lists),
    width: a.width + b.width,
    fields: a.fields + b.fields,
    fieldsOfList: Math.max(a.fieldsOfList, b.fieldsOfList),
    directives: a.directives + b.directives,
  };
}

function isFragment(node: DocumentNode['definitions'][number]): node is FragmentDefinitionNode {
  return node.kind === Kind.FRAGMENT_DEFINITION;
}

function isOperation(node: DocumentNode['definitions'][number]): node is OperationDefinitionNode {
  return node.kind === Kind.OPERATION_DEFINITION;
}

/** Bounds on variables: keys of one object, characters of one text, and levels within one another. */
const MAX_KEYS = 50;
const MAX_TEXT = 40_000;
const MAX_LEVELS = 20;
const TOO_LARGE = `An object of the variables has at most ${MAX_KEYS} keys, a text at most ${MAX_TEXT} characters, and there are at most ${MAX_LEVELS} levels.`;

/** Variables as coerced to the types of the operation, or the error of the first wrong one. */
type Variables =
  | { readonly coerced: Record<string, unknown>; readonly fault?: undefined }
  | { readonly coerced?: undefined; readonly fault: GraphQLError };

/**
 * Checks the variables of an operation. graphql-js writes the whole value into each error, so that the work grows with
 * the square of the input. Therefore it stops at the second error, and does not run when the bounds are exceeded.
 * @param document that the operation is of
 * @returns the coerced values, or one BAD_USER_INPUT with the argument at fault; never throws
 */
export function readVariables(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>> | null | undefined,
  document: DocumentNode,
): Variables {
  const { variableDefinitions = [] } = operation;
  const given = variables ?? {};
  const tooLarge = Object.entries(given).find(([name, value]) => !isBounded(name) || !isBounded(value));
  if (tooLarge) return wrongVariables(TOO_LARGE, argumentOf(document, operation, tooLarge[0]) ?? 'variables');
  const { coerced, errors } = getVariableValues(schema, variableDefinitions, given, { maxErrors: 1 });
  if (coerced) return { coerced };
  const [first] = errors as readonly [GraphQLError];
  const definition = variableDefinitions.find((node) => first.nodes?.includes(node));
  if (!definition) return wrongVariables(first.message, 'variables', first.nodes);
  const { name } = definition.variable;
  const argument = argumentOf(document, operation, name.value) ?? 'variables';
  return wrongVariables(first.message, argument + pathWithin(schema, definition, given[name.value]), first.nodes);
}

function wrongVariables(message: string, argument: string, nodes?: GraphQLError['nodes']): Variables {
  // Apollo sends the status that an error found before execution names.
  const extensions = { code: 'BAD_USER_INPUT', argument, http: { status: 400 } };
  return { fault: new GraphQLError(message, { nodes, extensions }) };
}

/**
 * The path of the first argument or input field that takes the variable, in the operation and the fragments that it
 * spreads: a client may give a variable any name. Undefined for a variable that no field takes.
 */
function argumentOf(document: DocumentNode, operation: OperationDefinitionNode, variable: string): string | undefined {
  const fragments = new Map(
    document.definitions.flatMap((node) => (node.kind === Kind.FRAGMENT_DEFINITION ? [[node.name.value, node]] : [])),
  );
  let found: string | undefined;
  const look: ASTVisitor = {
    Directive: () => false,
    FragmentSpread({ name }) {
      const fragment = fragments.get(name.value);
      fragments.delete(name.value);
      if (fragment) visit(fragment, look);
      return found === undefined ? undefined : BREAK;
    },
    Argument({ name, value }) {
      const path = pathTo(variable, value);
      if (path === undefined) return undefined;
      found = name.value + path;
      return BREAK;
    },
  };
  visit(operation, look);
  return found;
}

function pathTo(variable: string, value: ValueNode): string | undefined {
  if (value.kind === Kind.VARIABLE) return value.name.value === variable ? '' : undefined;
  const inner: [string, ValueNode][] =
    value.kind === Kind.OBJECT
      ? value.fields.map((field) => [`.${field.name.value}`, field.value])
      : value.kind === Kind.LIST
        ? value.values.map((item, index) => [`[${index}]`, item])
        : [];
  for (const [step, item] of inner) {
    const path = pathTo(variable, item);
    if (path !== undefined) return step + path;
  }
  return undefined;
}

/** A name that a message of graphql-js begins with: of a field that is missing or unknown. */
const NAMED_FIELD = /^Field "([_a-z]\w{0,99})" /i;

/** The path of the first fault within the value of a variable: `.lines[2].quantity`; empty for the value itself. */
function pathWithin(schema: GraphQLSchema, { type }: VariableDefinitionNode, value: unknown): string {
  const inputType = typeFromAST(schema, type as NamedTypeNode);
  if (value === undefined || !isInputType(inputType)) return '';
  let found = '';
  const stop = new Error('the first fault is found');
  try {
    coerceInputValue(value, inputType, (path, _value, { message }) => {
      const [, field] = NAMED_FIELD.exec(message) ?? [];
      const steps = field === undefined ? path : [...path, field];
      found = steps.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`)).join('');
      throw stop;
    });
  } catch (error) {
    if (error !== stop) throw error;
  }
  return found;
}

function isBounded(value: unknown, levels = MAX_LEVELS): boolean {
  if (typeof value === 'string') return value.length <= MAX_TEXT;
  if (typeof value !== 'object' || value === null) return true;
  if (levels === 0) return false;
  if (Array.isArray(value)) return value.every((item) => isBounded(item, levels - 1));
  let left = MAX_KEYS;
  for (const key in value) {
    left--;
    if (left < 0 || !isBounded(key) || !isBounded((value as Record<string, unknown>)[key], levels - 1)) return false;
  }
  return true;
}

/** Numbers of open sockets and subscriptions of each user in this process; sockets and streams count together. */
const open = perProcess(() => ({ sockets: new CountByKey(), subscriptions: new CountByKey() }));

/**
 * Counts one more socket of the caller.
 * @returns a function that gives it back; undefined when there are SOCKETS_PER_USER already
 */
export function admitSocket(platform: Platform, caller: Caller): (() => void) | undefined {
  const { sockets } = open(platform);
  if (!sockets.take(caller.id, platform.config.SOCKETS_PER_USER)) return undefined;
  return () => sockets.giveBack(caller.id);
}

/**
 * Counts one more subscription of the caller. Without a caller nothing is counted: no subscription is public.
 * @returns a function that gives it back
 * @throws CallerError RATE_LIMITED when there are SUBSCRIPTIONS_PER_USER already
 */
export function admitSubscription(platform: Platform, caller: Caller | null): () => void {
  if (!caller) return () => undefined;
  const { subscriptions } = open(platform);
  const max = platform.config.SUBSCRIPTIONS_PER_USER;
  if (!subscriptions.take(caller.id, max)) throw tooMany(`A user has at most ${max} subscriptions.`);
  return () => subscriptions.giveBack(caller.id);
}

/**
 * @param limit a sentence that says how many there may be
 * @param retryAfterMs when to ask again, in milliseconds
 * @param extensions more of the error's
 */
export function tooMany(limit: string, retryAfterMs = SECOND, extensions: GraphQLErrorExtensions = {}): CallerError {
  return new CallerError('RATE_LIMITED', limit, { ...extensions, retryAfterMs });
}
