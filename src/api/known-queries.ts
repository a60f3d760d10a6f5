import { type ApolloServerPlugin, HeaderMap } from '@apollo/server';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { GraphQLSchema } from 'graphql';
import { authenticate, recallCaller } from '../accounts/authenticate.ts';
import type { Platform } from '../platform/platform.ts';
import { type Context, makeContext } from './context.ts';
import { PlainQuery } from './plain-queries.ts';

/** Plain queries by text that one process remembers. */
const MOST_KNOWN = 500;
/** Longer texts are not remembered. */
const MOST_TEXT = 4_096;

const JSON_TYPES = ['application/graphql-response+json', 'application/json'] as const;

/** A whole answer as JSON, on its way through Apollo in the place of its data. */
class JsonText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/**
 * Plain queries, by the text of their documents. Each is first read by Apollo, which finds it valid and within the limits;
 * the same text again, as whole crowds send it, is answered past it.
 */
export class KnownQueries {
  readonly #platform: Platform;
  readonly #schema: GraphQLSchema;
  readonly #byText = new Map<string, PlainQuery>();

  constructor(platform: Platform, schema: GraphQLSchema) {
    this.#platform = platform;
    this.#schema = schema;
  }

  /** Has Apollo answer plain queries by their plans, and remembers them. */
  readonly plugin: ApolloServerPlugin<Context> = {
    requestDidStart: async () => ({
      responseForOperation: async ({ operation, document, request, source, contextValue }) => {
        const plan = this.#byText.get(source) ?? PlainQuery.of(this.#schema, operation);
        if (!plan) return null;
        // Before it is answered: who asks the same meanwhile shares what is written.
        if (document.definitions.length === 1) this.#remember(source, plan);
        const text = await plan.answer(request.variables ?? {}, contextValue);
        if (text === undefined) return null;
        const singleResult = { data: new JsonText(text) as unknown as Record<string, unknown> };
        return { http: { headers: new HeaderMap() }, body: { kind: 'single', singleResult } };
      },
    }),
  };

  /** Answers a request that can be answered so, with the head that Apollo gives; undefined: Apollo must. */
  async answer({ method, headers, body }: FastifyRequest, reply: FastifyReply): Promise<string | undefined> {
    if (method !== 'POST' || typeof body !== 'object' || body === null) return undefined;
    const { query, variables, operationName, extensions } = body as Record<string, unknown>;
    const plan = typeof query === 'string' ? this.#byText.get(query) : undefined;
    const type = typeFor(headers.accept);
    if (!plan || !type || !isRecord(variables) || !isRecord(extensions) || extensions?.persistedQuery) return undefined;
    if (operationName && operationName !== plan.name) return undefined;
    let caller = recallCaller(this.#platform, headers.authorization);
    caller ??= await authenticate(this.#platform, headers.authorization).catch(() => undefined);
    if (caller === undefined) return undefined;
    const queueToken = headers['x-queue-token'];
    const context = makeContext(this.#platform, caller, typeof queueToken === 'string' ? queueToken : undefined);
    const text = await plan.answer(variables ?? {}, context);
    if (text !== undefined) void reply.header('content-type', `${type}; charset=utf-8`);
    return text;
  }

  #remember(text: string, plan: PlainQuery): void {
    if (text.length > MOST_TEXT || this.#byText.has(text)) return;
    if (this.#byText.size >= MOST_KNOWN) this.#byText.clear();
    this.#byText.set(text, plan);
  }
}

/** JSON of an answer, which may be JSON already. */
export function stringifyAnswer(answer: { data?: unknown }): string {
  return answer.data instanceof JsonText ? answer.data.text : JSON.stringify(answer);
}

/** The kind of JSON that a client is sent; undefined where what it accepts has to be weighed. */
function typeFor(accept = '*/*'): string | undefined {
  if (accept === '*/*') return 'application/json';
  // The first that is named without a weight is wanted most.
  return JSON_TYPES.find((type) => accept === type || accept.startsWith(`${type},`));
}

function isRecord(given: unknown): given is Record<string, unknown> | null | undefined {
  return given === undefined || (typeof given === 'object' && !Array.isArray(given));
}
