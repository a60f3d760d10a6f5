import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  NoSchemaIntrospectionCustomRule,
  OperationTypeNode,
  parse,
  specifiedRules,
  validate,
} from 'graphql';
import { LimitsRule, MOST_TOKENS, subscriptionFault } from './limits.ts';
import { nestingFault } from './nesting.ts';
import { badInput } from './problems.ts';

/** Documents that were found valid, by text: whole crowds subscribe with the same few. */
const MOST_REMEMBERED = 500;
/** Longer texts are not remembered: parsed, they are many times as big. */
const MOST_TEXT = 4_096;
const remembered = new WeakMap<GraphQLSchema, Map<string, DocumentNode>>();

/** What to execute. */
export interface Subscription {
  readonly document: DocumentNode;
  readonly operationName: string | null | undefined;
  readonly variableValues: Record<string, unknown> | null | undefined;
}

/** What a client of a socket or a stream asks for, as it came. */
interface Asked {
  readonly query: string;
  readonly operationName?: string | null | undefined;
  readonly variables?: Record<string, unknown> | null | undefined;
}

/** Parses and validates as HTTP does; a socket takes subscriptions only, and so does a stream. */
export function readSubscription(
  schema: GraphQLSchema,
  payload: Asked,
  isProduction: boolean,
): Subscription | readonly GraphQLError[] {
  const document = readDocument(schema, payload.query, isProduction);
  if (Array.isArray(document)) return document;
  const operation = getOperationAST(document as DocumentNode, payload.operationName);
  if (operation?.operation !== OperationTypeNode.SUBSCRIPTION) {
    return [badInput('A socket takes subscriptions only; send queries and mutations over HTTP.')];
  }
  return {
    document: document as DocumentNode,
    operationName: payload.operationName,
    variableValues: payload.variables,
  };
}

function readDocument(schema: GraphQLSchema, text: string, isProduction: boolean): DocumentNode | GraphQLError[] {
  const known = remembered.get(schema) ?? new Map<string, DocumentNode>();
  remembered.set(schema, known);
  const document = known.get(text);
  if (document) return document;
  const fault = nestingFault(text);
  if (fault) return [coded(new GraphQLError(fault), 'GRAPHQL_VALIDATION_FAILED')];
  try {
    const parsed = parse(text, { maxTokens: MOST_TOKENS });
    const atRoot = subscriptionFault(parsed);
    if (atRoot) return [coded(new GraphQLError(atRoot), 'GRAPHQL_VALIDATION_FAILED')];
    const rules = [...specifiedRules, LimitsRule, ...(isProduction ? [NoSchemaIntrospectionCustomRule] : [])];
    const faults = validate(schema, parsed, rules);
    if (faults.length > 0) return faults.map((fault) => coded(fault, 'GRAPHQL_VALIDATION_FAILED'));
    if (text.length <= MOST_TEXT) remember(known, text, parsed);
    return parsed;
  } catch (error) {
    if (error instanceof GraphQLError) return [coded(error, 'GRAPHQL_PARSE_FAILED')];
    throw error;
  }
}

function remember(known: Map<string, DocumentNode>, text: string, document: DocumentNode): void {
  if (known.size >= MOST_REMEMBERED) known.clear();
  known.set(text, document);
}

function coded(error: GraphQLError, code: string): GraphQLError {
  const { nodes, source, positions } = error;
  return new GraphQLError(error.message, { nodes, source, positions, extensions: { code } });
}
