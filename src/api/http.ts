import { ApolloServer, type ApolloServerPlugin } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
} from '@apollo/server/plugin/disabled';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import {
  type DocumentNode,
  GraphQLError,
  type GraphQLFormattedError,
  getOperationAST,
  type OperationDefinitionNode,
  OperationTypeNode,
} from 'graphql';
import { authenticate, recallCaller } from '../accounts/authenticate.ts';
import { hidesSchema } from '../config.ts';
import { isUnavailable } from '../platform/faults.ts';
import { newRequestId } from '../platform/ids.ts';
import type { Platform } from '../platform/platform.ts';
import { currentWork, within } from '../platform/work.ts';
import { type Asked, isAbsentOr, isRecord, isString, readAsked, type Taken } from './asked.ts';
import { cachedAnswer } from './cached-answer.ts';
import { clientAddress } from './client-address.ts';
import { type Caller, type Client, type Context, type Cookies, makeContext } from './context.ts';
import { crossSiteFault } from './cross-site.ts';
import type { Documents } from './documents.ts';
import { presentAll, presentError } from './errors.ts';
import type { Explorer } from './explorer.ts';
import { readVariables } from './limits.ts';
import { GRAPHQL_TYPE, isTaken, JSON_TYPE, statusFor, typeFor } from './media-type.ts';
import { isQuiet, logOperation, Notes, OK, type Operation, outcomeOf } from './operation-log.ts';
import type { Named } from './persisted.ts';
import { badRequest, CallerError } from './problems.ts';
import { countDocument, countFields } from './rate-limits.ts';
import { shedAnonymous, shedUnread } from './shed-load.ts';

export const GRAPHQL_PATH = '/graphql';

/**
 * Serves queries and mutations on POST, and queries on GET and HEAD, at /graphql. A request of the usual form whose
 * document has a plan is answered here; Apollo answers every other one.
 * @param explorer what a browser gets that asks for no answer
 */
export async function serveGraphql(
  http: FastifyInstance,
  platform: Platform,
  documents: Documents,
  explorer?: Explorer,
): Promise<void> {
  const takenOf = new WeakMap<FastifyRequest, Taken>();
  const apollo = makeApollo(platform, documents);
  await apollo.start();
  platform.closing.push(() => apollo.stop());
  const context = (request: FastifyRequest): Promise<Context> =>
    contextForApollo(platform, documents, takenOf.get(request) as Taken);
  const handle = fastifyApolloHandler(apollo, { context });
  const answerByApollo = async (taken: Taken): Promise<string> => {
    const { reply, notes } = taken;
    const request = forApollo(taken.request);
    takenOf.set(request, taken);
    const body = (await within(notes, () => handle.call(http, request, reply))) as string;
    if (!notes.hasEnded) logRefused(platform, documents, taken, body);
    if (!hasData(body)) void reply.code(statusFor(reply.statusCode, String(reply.getHeader('content-type'))));
    return body;
  };
  http.route({
    method: ['GET', 'POST'],
    url: GRAPHQL_PATH,
    handler: async (request, reply) => {
      if (explorer?.isAskedFor(request)) return explorer.send(request, reply);
      void reply.header('cache-control', 'no-store');
      const asked = readAsked(request);
      const taken = { request, reply, asked, notes: new Notes(request.id) };
      const caller = await callerOf(platform, request);
      // Who sends a token that is refused counts as nobody.
      const context = contextOf(platform, caller ?? null, taken);
      const fault = await faultOf(documents, context, taken);
      if (fault) return refuse(platform, documents, taken, fault);
      const answer = caller === undefined ? undefined : await answerByPlan(documents, context, taken);
      const body = answer ?? (await answerByApollo(taken));
      return request.method === 'POST' ? body : cachedAnswer(documents, taken, body);
    },
  });
}

/** @returns the caller; null for nobody; undefined when the token is refused, or could not be checked, which Apollo answers */
async function callerOf(platform: Platform, { headers }: FastifyRequest): Promise<Caller | null | undefined> {
  const known = recallCaller(platform, headers.authorization);
  return known === undefined ? authenticate(platform, headers.authorization).catch(() => undefined) : known;
}

/** The request as Apollo reads it: a GET for a HEAD, whose body Fastify leaves out, and a host that any URL may have. */
function forApollo(request: FastifyRequest): FastifyRequest {
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  return Object.create(request, { method: { value: method }, hostname: { value: 'localhost' } });
}

const BAD_REQUEST = 400;
const NOT_ACCEPTABLE = 406;
const NOT_TAKEN = `An answer is sent as ${JSON_TYPE} or ${GRAPHQL_TYPE}, and the header accept names neither. A subscription is sent as a stream by ${GRAPHQL_PATH}/stream.`;

/** What is wrong with a request that neither a plan nor Apollo is to answer; undefined where one of them does. */
async function faultOf(documents: Documents, context: Context, taken: Taken): Promise<GraphQLError | undefined> {
  const { request, asked } = taken;
  const text = asked.named && documents.textOf(asked.named);
  const over = await thrown(countDocument(context, text));
  if (over) return over;
  const isNobody = request.headers.authorization === undefined;
  const shed = isNobody ? shedUnread(context.platform, text) : undefined;
  if (shed) return shed;
  if (!isTaken(request.headers.accept)) {
    return new GraphQLError(NOT_TAKEN, { extensions: { code: 'BAD_REQUEST', http: { status: NOT_ACCEPTABLE } } });
  }
  const fault = crossSiteFault(documents, taken);
  // Its document was read; one that looked like a sign-in is not counted yet.
  return fault && ((await overLimit(context, text)) ?? fault);
}

/** Refuses a request that neither a plan nor Apollo is to answer. */
function refuse(platform: Platform, documents: Documents, taken: Taken, error: GraphQLError): string {
  const { request, reply, notes } = taken;
  const body = JSON.stringify({ errors: presentAll(platform, [error], notes.requestId) });
  logRefused(platform, documents, taken, body);
  void reply.code(statusOf([error])).type(typeFor(request.headers.accept) ?? JSON_TYPE);
  return body;
}

/** The CallerError that `work` fails with, if it does. */
async function thrown(work: Promise<void>): Promise<CallerError | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (error instanceof CallerError) return error;
    throw error;
  }
}

function makeApollo(platform: Platform, documents: Documents): ApolloServer<Context> {
  return new ApolloServer<Context>({
    schema: documents.schema,
    ...documents.forApollo,
    // Where introspection is to be refused, a rule of `Documents` refuses it.
    introspection: true,
    hideSchemaDetailsFromClientErrors: hidesSchema(platform.config),
    includeStacktraceInErrorResponses: false,
    stopOnTerminationSignals: false,
    // Refuses more than `crossSiteFault`, which has run by then.
    csrfPrevention: false,
    logger: platform.log,
    // As plans write it; without this Apollo ends every answer with a line feed.
    stringifyResult: (result) => JSON.stringify(result),
    plugins: [
      ApolloServerPluginLandingPageDisabled(),
      // It would wrap every resolver of the schema, only to find that nothing may be cached.
      ApolloServerPluginCacheControlDisabled(),
      JUDGE_OPERATION,
      logOperations(platform),
    ],
    // It does not receive the request, but is called within its work.
    formatError: (formatted, error) =>
      presentError(error, formatted, currentWork()?.names?.requestId ?? newRequestId(), platform),
  });
}

/** The content of a request of the usual form. */
interface Usual {
  readonly named: Named;
  readonly variables: Record<string, unknown>;
  readonly operationName: string | undefined;
  /** The media type of the answer. */
  readonly type: string;
}

/**
 * Answers a query that has a plan, and refuses documents that are invalid.
 * @returns the body; undefined when Apollo has to answer: the request has another form, its caller is refused, or the
 * document has to be executed
 */
async function answerByPlan(
  documents: Documents,
  context: Context,
  { request, reply, asked }: Taken,
): Promise<string | undefined> {
  const usual = usualForm(request, asked);
  if (!usual) return undefined;
  const { platform, caller, notes } = context;
  const known = documents.read(usual.named, caller);
  const text = documents.textOf(usual.named);
  const refuseWith = (errors: readonly GraphQLError[], document?: DocumentNode): string => {
    void reply.code(statusFor(statusOf(errors), usual.type)).type(usual.type);
    logOperation(platform, notes, operationOf(caller, text, usual, document), outcomeOf(errors));
    return JSON.stringify({ errors: presentAll(platform, errors, notes.requestId) });
  };
  if (!('document' in known)) {
    const over = await overLimit(context, text);
    return refuseWith(over ? [over] : known);
  }
  const operation = known.plan?.operation;
  if (operation?.operation !== OperationTypeNode.QUERY) return undefined;
  if (usual.operationName !== undefined && usual.operationName !== operation.name?.value) return undefined;
  const over = await overLimit(context, text, known.document, operation);
  if (over) return refuseWith([over], known.document);
  const { coerced, fault } = readVariables(documents.schema, operation, usual.variables, known.document);
  if (fault) return refuseWith([fault], known.document);
  const answering = known.plan?.begin(coerced, context);
  const answer = await (answering && within(notes, () => answering(undefined)));
  if (answer === undefined) return undefined;
  void reply.type(usual.type);
  if (typeof answer === 'string') {
    if (isQuiet(platform, notes)) notes.end();
    else logOperation(platform, notes, operationOf(caller, text, usual, known.document), OK);
    return answer;
  }
  const { data } = answer;
  const errors = presentAll(platform, answer.errors ?? [], notes.requestId);
  logOperation(platform, notes, operationOf(caller, text, usual, known.document), outcomeOf(errors));
  return JSON.stringify({ errors, data });
}

function operationOf(
  caller: Caller | null,
  text: string | undefined,
  { operationName }: Pick<Usual, 'operationName'>,
  document: DocumentNode | undefined,
): Operation {
  return { transport: 'http', caller, text, document, node: document && getOperationAST(document, operationName) };
}

/** Reads a request of the usual form; undefined when Apollo has to check its form, or the media types it accepts. */
function usualForm({ method, headers }: FastifyRequest, asked: Asked): Usual | undefined {
  const { named, variables, operationName, extensions } = asked;
  const type = typeFor(headers.accept);
  if (!named || named.text === '' || type === undefined) return undefined;
  if (method !== 'POST' && headers['content-type'] !== undefined) return undefined;
  if (!isAbsentOr(isRecord, variables) || !isAbsentOr(isString, operationName)) return undefined;
  if (!isAbsentOr(isRecord, extensions)) return undefined;
  return { named, variables: variables ?? {}, operationName: operationName ?? undefined, type };
}

/** The status that errors found before execution name. */
function statusOf([first]: readonly GraphQLError[]): number {
  const { status } = (first?.extensions.http ?? {}) as { status?: number };
  return status ?? BAD_REQUEST;
}

/** Whether a body, as Apollo writes it, has more than errors. */
function hasData(body: string): boolean {
  return !body.startsWith('{"errors":') || 'data' in (JSON.parse(body) as object);
}

/** Authenticates, and reads the document, which Apollo finds among the known ones. */
async function contextForApollo(platform: Platform, documents: Documents, taken: Taken): Promise<Context> {
  const { request, asked } = taken;
  const caller = await authenticate(platform, request.headers.authorization).catch(rethrowWith503);
  const known = asked.named && documents.read(asked.named, caller);
  const context = contextOf(platform, caller, taken);
  const document = known && 'document' in known ? known.document : undefined;
  const name = isString(asked.operationName) ? asked.operationName : undefined;
  const text = asked.named && documents.textOf(asked.named);
  const over = await overLimit(context, text, document, document && getOperationAST(document, name));
  if (over) throw over;
  // Only one error can be thrown here. When there are several, Apollo finds them again.
  if (known && !('document' in known) && known.length === 1) throw known[0];
  return context;
}

function contextOf(platform: Platform, caller: Caller | null, { request, reply, notes }: Taken): Context {
  const queueToken = request.headers['x-queue-token'];
  const client = new HttpClient(platform, request, reply);
  return makeContext(platform, caller, typeof queueToken === 'string' ? queueToken : undefined, notes, client);
}

/** Reads what it answers only when it is asked: a poll of a signed-in user needs none of it. */
class HttpClient implements Client {
  readonly #platform: Platform;
  readonly #request: FastifyRequest;
  readonly #reply: FastifyReply;

  constructor(platform: Platform, request: FastifyRequest, reply: FastifyReply) {
    this.#platform = platform;
    this.#request = request;
    this.#reply = reply;
  }

  get address(): string | null {
    return clientAddress(this.#platform, this.#request);
  }

  isGone(): boolean {
    return this.#request.socket.destroyed;
  }

  get cookies(): Cookies {
    const set = (cookie: string): void => void this.#reply.header('set-cookie', cookie);
    return { sent: this.#request.headers.cookie, set };
  }
}

/**
 * Counts the fields of a document that was read.
 * @returns the error RATE_LIMITED beyond a limit, or while the process is busy with others
 */
async function overLimit(
  context: Context,
  text: unknown,
  document?: DocumentNode,
  operation?: OperationDefinitionNode | null,
): Promise<CallerError | undefined> {
  const shed = shedAnonymous(context.platform, context.caller, document, operation);
  return shed ?? thrown(countFields(context, text, document, operation));
}

/** Adds the status 503 to an outage: an error thrown before execution is the whole answer. */
function rethrowWith503(error: unknown): never {
  if (!isUnavailable(error)) throw error;
  throw new GraphQLError(String(error), { originalError: error as Error, extensions: { http: { status: 503 } } });
}

/** Refuses, before execution, an unknown operation name, a subscription, and wrong variables. */
const JUDGE_OPERATION: ApolloServerPlugin<Context> = {
  requestDidStart: async () => ({
    didResolveOperation: async ({ schema, document, operation, request }) => {
      if (!operation) {
        const extensions = { code: 'OPERATION_RESOLUTION_FAILURE', http: { status: BAD_REQUEST } };
        throw new GraphQLError('operationName must name one of the operations of the document.', { extensions });
      }
      if (operation.operation === OperationTypeNode.SUBSCRIPTION) {
        throw badRequest('Subscriptions are served over WebSocket, and as streams at /graphql/stream.');
      }
      const { fault } = readVariables(schema, operation, request.variables, document);
      if (fault) throw fault;
    },
  }),
};

/** Writes the line of each operation that Apollo has taken up. */
function logOperations(platform: Platform): ApolloServerPlugin<Context> {
  return {
    requestDidStart: async () => ({
      willSendResponse: async ({ contextValue, source: text, document, operation, response: { body } }) => {
        const { notes, caller } = contextValue;
        const outcome = body.kind === 'single' ? outcomeOf(body.singleResult.errors) : OK;
        const asked = { transport: 'http', caller, text, document, node: operation } as const;
        logOperation(platform, notes, asked, outcome === OK ? (notes.refusal ?? OK) : outcome);
      },
    }),
  };
}

/** Writes the line of a request that Apollo has not taken up: its caller, its form or its document was refused. */
function logRefused(platform: Platform, documents: Documents, { asked, notes }: Taken, answer: string): void {
  const text = asked.named && documents.textOf(asked.named);
  const { errors } = JSON.parse(answer) as { errors: GraphQLFormattedError[] };
  logOperation(
    platform,
    notes,
    { transport: 'http', caller: undefined, text, document: undefined, node: undefined },
    outcomeOf(errors),
  );
}
