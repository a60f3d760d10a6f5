import { hash } from 'node:crypto';
import type { ApolloServerOptions } from '@apollo/server';
import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  NoSchemaIntrospectionCustomRule,
  type OperationDefinitionNode,
  parse,
  specifiedRules,
  validate,
} from 'graphql';
import { type Asked, isString } from './asked.ts';
import { type Plan, planOf } from './compiled.ts';
import type { Caller, Context } from './context.ts';
import { DocumentCache } from './document-cache.ts';
import { LimitsRule, MAX_TOKENS, nestingFault, subscriptionFault } from './limits.ts';
import { type Named, notFound, notInList, wrongHash } from './persisted.ts';
import type { TrustedDocuments } from './trusted-documents.ts';

/** A document that was found valid and within the limits. */
export interface KnownDocument {
  readonly document: DocumentNode;
  /** The plan of its only operation; undefined when the document has to be executed. */
  readonly plan: Plan | undefined;
}

export interface AskedOperation {
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
}

/** The stores in which Apollo finds documents that need no parsing and validating, and the texts of hashes. */
type DocumentStore = NonNullable<ApolloServerOptions<Context>['documentStore']>;
type TextStore = NonNullable<Exclude<ApolloServerOptions<Context>['persistedQueries'], false | undefined>['cache']>;
type ApolloOptions = Pick<
  ApolloServerOptions<Context>,
  'documentStore' | 'persistedQueries' | 'validationRules' | 'parseOptions'
>;

/**
 * Parses and validates the documents of all transports, each once; the same text, which many clients send, is found
 * again by its hash, whether the text comes with it or not.
 */
export class Documents {
  readonly schema: GraphQLSchema;
  readonly #rules;
  readonly #known = new DocumentCache();
  /** What was read for a request and is not kept, because it is wrong or too long: the request may ask for it again. */
  readonly #read = new WeakMap<Named, KnownDocument | readonly GraphQLError[]>();
  readonly #trusted: TrustedDocuments | undefined;

  /**
   * @param hidesSchema whether documents that ask for the schema are refused
   * @param trusted the documents that are served; operators may send others too. Undefined: everybody may send any
   */
  constructor(schema: GraphQLSchema, hidesSchema: boolean, trusted?: TrustedDocuments) {
    this.schema = schema;
    this.#rules = [LimitsRule, ...(hidesSchema ? [NoSchemaIntrospectionCustomRule] : [])];
    this.#trusted = trusted;
  }

  /**
   * @param named of one request, in which the caller does not change
   * @param caller who sends it
   * @returns the document, or what is wrong with it or its name, as errors that carry a code
   */
  read(named: Named, caller: Caller | null): KnownDocument | readonly GraphQLError[] {
    const { text, hash: name, fault } = named;
    if (fault) return [fault];
    const key = text === undefined ? (name as string) : hash('sha256', text);
    if (name !== undefined && name !== key) return [wrongHash()];
    const trusted = this.#trusted?.get(key);
    if (this.#trusted && trusted === undefined && caller?.role !== 'OPERATOR') return [notInList()];
    const known = this.#known.get(key) ?? this.#read.get(named);
    if (known) return known;
    const unread = text ?? trusted;
    if (unread === undefined) return [notFound()];
    const read = this.#readNew(unread, key);
    this.#read.set(named, read);
    return read;
  }

  /**
   * The operation of a valid document that a request asks for.
   * @param caller who sends it
   * @returns undefined where the document is refused, or has no operation of that name
   */
  operationOf({ named, operationName }: Asked, caller: Caller | null): AskedOperation | undefined {
    const known = named && this.read(named, caller);
    if (!known || !('document' in known)) return undefined;
    const { document } = known;
    const operation = getOperationAST(document, isString(operationName) ? operationName : undefined);
    return operation ? { document, operation } : undefined;
  }

  /** @returns the text that a document is named by, as far as it is known; it may be wrong, or not trusted */
  textOf({ text, hash: name }: Named): string | undefined {
    if (text !== undefined || name === undefined) return text;
    return this.#trusted?.get(name) ?? this.#known.get(name)?.document.loc?.source.body;
  }

  /**
   * Options with which Apollo finds the documents that `read` has found valid. Only texts that are too long to be kept
   * are parsed and validated by Apollo again, in the same way.
   */
  get forApollo(): ApolloOptions {
    // Apollo's keys end with the SHA-256 of the text.
    const keyOf = (key: string): string => key.slice(-64);
    const documentStore: DocumentStore = {
      get: async (key) => this.#known.get(keyOf(key))?.document,
      set: async (key, document) => void this.#keep(keyOf(key), document),
      delete: async (key) => this.#known.delete(keyOf(key)),
    };
    const cache: TextStore = {
      get: async (key) => this.textOf({ hash: keyOf(key) }),
      // A document that was read is kept already.
      set: async () => undefined,
      delete: async () => undefined,
    };
    const parseOptions = { maxTokens: MAX_TOKENS };
    return { documentStore, persistedQueries: { cache }, validationRules: this.#rules, parseOptions };
  }

  #readNew(text: string, key: string): KnownDocument | readonly GraphQLError[] {
    const read = this.validate(text);
    return 'kind' in read ? this.#keep(key, read) : read;
  }

  /** Parses and validates a text. @returns the document, or what is wrong with it, as errors that carry a code */
  validate(text: string): DocumentNode | readonly GraphQLError[] {
    const invalid = (fault: GraphQLError): GraphQLError => coded(fault, 'GRAPHQL_VALIDATION_FAILED');
    const tooDeep = nestingFault(text);
    if (tooDeep) return [invalid(new GraphQLError(tooDeep))];
    let document: DocumentNode;
    try {
      document = parse(text, { maxTokens: MAX_TOKENS });
    } catch (error) {
      if (error instanceof GraphQLError) return [coded(error, 'GRAPHQL_PARSE_FAILED')];
      throw error;
    }
    const conditional = subscriptionFault(document);
    if (conditional) return [invalid(new GraphQLError(conditional))];
    // The limits first: they cost little, and some of the specification's rules cost much for documents beyond them.
    const limits = validate(this.schema, document, this.#rules);
    const faults = limits.length > 0 ? limits : validate(this.schema, document, specifiedRules);
    return faults.length > 0 ? faults.map(invalid) : document;
  }

  #keep(key: string, document: DocumentNode): KnownDocument {
    const known = { document, plan: planOf(this.schema, document) };
    this.#known.set(key, known);
    return known;
  }
}

function coded({ message, nodes, source, positions }: GraphQLError, code: string): GraphQLError {
  return new GraphQLError(message, { nodes, source, positions, extensions: { code, http: { status: 400 } } });
}
