import { randomUUID } from 'node:crypto';
import { ApolloServer, type ApolloServerPlugin } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
} from '@apollo/server/plugin/disabled';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { GraphQLError, type GraphQLSchema, OperationTypeNode, parse } from 'graphql';
import { authenticate } from '../accounts/authenticate.ts';
import { isUnavailable } from '../platform/faults.ts';
import type { Platform } from '../platform/platform.ts';
import { type Context, makeContext } from './context.ts';
import { presentError } from './errors.ts';
import { KnownQueries, stringifyAnswer } from './known-queries.ts';
import { LimitsRule, MOST_TOKENS, subscriptionFault } from './limits.ts';
import { nestingFault } from './nesting.ts';
import { readVariables } from './variables.ts';

export const GRAPHQL_PATH = '/graphql';

/** Serves queries and mutations on POST (and queries on GET) at /graphql. */
export async function serveGraphql(http: FastifyInstance, platform: Platform, schema: GraphQLSchema): Promise<void> {
  const requestIds = new WeakMap<object, string>();
  const known = new KnownQueries(platform, schema);
  const apollo = new ApolloServer<Context>({
    schema,
    introspection: platform.config.NODE_ENV !== 'production',
    hideSchemaDetailsFromClientErrors: platform.config.NODE_ENV === 'production',
    includeStacktraceInErrorResponses: false,
    stopOnTerminationSignals: false,
    persistedQueries: false,
    validationRules: [LimitsRule],
    parseOptions: { maxTokens: MOST_TOKENS },
    logger: platform.log,
    plugins: [
      ApolloServerPluginLandingPageDisabled(),
      // It would wrap every resolver of the schema, only to find that nothing may be cached.
      ApolloServerPluginCacheControlDisabled(),
      rememberRequestIds(requestIds),
      JUDGE_OPERATION,
      known.plugin,
    ],
    stringifyResult: stringifyAnswer,
    formatError: (formatted, error) =>
      presentError(error, formatted, requestIds.get(error as object) ?? randomUUID(), platform),
  });
  await apollo.start();
  platform.closing.push(() => apollo.stop());
  const apolloHandler = fastifyApolloHandler(apollo, { context: (request) => contextOf(platform, request) });
  http.route({
    method: ['GET', 'POST'],
    url: GRAPHQL_PATH,
    handler: async (request, reply) => {
      void reply.header('cache-control', 'no-store');
      return (await known.answer(request, reply)) ?? apolloHandler.call(http, request, reply);
    },
  });
}

async function contextOf(platform: Platform, request: FastifyRequest): Promise<Context> {
  const asked = (request.method === 'GET' ? request.query : request.body) as { query?: unknown } | undefined | null;
  const fault = typeof asked?.query === 'string' ? faultOfText(asked.query) : undefined;
  if (fault) throw refused('GRAPHQL_VALIDATION_FAILED', fault);
  const caller = await authenticate(platform, request.headers.authorization).catch(telling503);
  const queueToken = request.headers['x-queue-token'];
  return makeContext(platform, caller, typeof queueToken === 'string' ? queueToken : undefined);
}

/** What is wrong with a document that Apollo could not answer without a fault. */
function faultOfText(text: string): string | undefined {
  const fault = nestingFault(text);
  if (fault || !/\bsubscription\b/.test(text) || !/@\s*(skip|include)\b/.test(text)) return fault;
  try {
    return subscriptionFault(parse(text, { maxTokens: MOST_TOKENS }));
  } catch {
    // Apollo says what is wrong with its syntax.
    return undefined;
  }
}

/** Before execution an error is the whole answer: what a server being away has caused gets the status that says so. */
function telling503(error: unknown): never {
  if (!isUnavailable(error)) throw error;
  throw new GraphQLError(String(error), { originalError: error as Error, extensions: { http: { status: 503 } } });
}

/** Refuses before anything is executed: no operation of that name, a subscription, wrong variables. */
const JUDGE_OPERATION: ApolloServerPlugin<Context> = {
  requestDidStart: async () => ({
    didResolveOperation: async ({ schema, operation, request }) => {
      if (!operation) {
        throw refused('OPERATION_RESOLUTION_FAILURE', 'operationName must name one of the operations of the document.');
      }
      if (operation.operation === OperationTypeNode.SUBSCRIPTION) {
        throw refused('BAD_REQUEST', 'Subscriptions are served over WebSocket, and as streams at /graphql/stream.');
      }
      const { fault } = readVariables(schema, operation, request.variables);
      if (fault) throw fault;
    },
  }),
};

function refused(code: string, message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code, http: { status: 400 } } });
}

/** formatError is not told whose error it formats. */
function rememberRequestIds(ids: WeakMap<object, string>): ApolloServerPlugin<Context> {
  return {
    requestDidStart: async () => ({
      didEncounterErrors: async ({ errors, contextValue }) => {
        for (const error of errors) ids.set(error, contextValue.requestId);
      },
    }),
  };
}
