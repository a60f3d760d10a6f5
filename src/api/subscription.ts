import {
  createSourceEventStream,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  type GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  locatedError,
  type OperationDefinitionNode,
  OperationTypeNode,
} from 'graphql';
import type { Platform } from '../platform/platform.ts';
import type { Answering, Plan } from './compiled.ts';
import { type Caller, type Client, type Context, makeContext } from './context.ts';
import type { Documents } from './documents.ts';
import { presentAll } from './errors.ts';
import { admitSubscription, readVariables } from './limits.ts';
import { logBegin, logEnd, logOperation, Notes, OK, type Operation, outcomeOf } from './operation-log.ts';
import { namedBy } from './persisted.ts';
import { badInput, CallerError } from './problems.ts';
import { countDocument } from './rate-limits.ts';

/** What a client subscribes to, as it came. */
interface Asked {
  /** Empty where a hash comes alone. */
  readonly query: string;
  readonly extensions?: Record<string, unknown> | null | undefined;
  readonly operationName?: string | null | undefined;
  readonly variables?: Record<string, unknown> | null | undefined;
}

/** Why a query or mutation is refused. */
const ONLY_SUBSCRIPTIONS = {
  websocket: 'must be a subscription: sockets carry nothing else; send queries and mutations by HTTP to /graphql',
  sse: 'must be a subscription: streams carry nothing else; send queries and mutations by HTTP to /graphql',
} as const;

/** Who subscribes. */
interface Subscriber {
  /** Who is signed in, or null. */
  readonly caller: Caller | null;
  /** As the client sent it. */
  readonly queueToken: unknown;
  /** The id that the client gave, as `requestIdOf` read it. */
  readonly requestId: string | undefined;
  readonly client: Client;
}

/** How a transport carries the results of one subscription to its client. */
export interface Sink {
  readonly transport: keyof typeof ONLY_SUBSCRIPTIONS;
  /** Hands over the JSON of one result; resolves when its bytes have left, so that a slow reader skips what is old. */
  next(result: string): Promise<void>;
  /** As `next`, for the result that says that the caller has lost the role it needs: the transport ends after it. */
  last(result: string): Promise<void>;
}

/**
 * Counts the document and judges it, as HTTP does, and counts the subscription among those of its caller.
 * @returns the subscription, which begins when it is read, or what is wrong with it
 */
export async function openSubscription(
  platform: Platform,
  documents: Documents,
  { query, extensions, operationName, variables: variableValues }: Asked,
  { caller, queueToken, requestId, client }: Subscriber,
  sink: Sink,
): Promise<Subscription | readonly GraphQLError[]> {
  const named = namedBy(query || undefined, extensions) ?? { text: query };
  const refuse = (errors: readonly GraphQLError[], document?: DocumentNode): readonly GraphQLError[] => {
    const node = document && getOperationAST(document, operationName);
    const asked = { transport: sink.transport, caller, text: documents.textOf(named), document, node };
    logOperation(platform, new Notes(requestId), asked, outcomeOf(errors));
    return errors;
  };
  const notes = requestId === undefined ? undefined : new Notes(requestId);
  const token = typeof queueToken === 'string' ? queueToken : undefined;
  const contextValue = makeContext(platform, caller, token, notes, client);
  let document: DocumentNode | undefined;
  try {
    await countDocument(contextValue);
    const known = documents.read(named, caller);
    if (!('document' in known)) return refuse(known);
    document = known.document;
    if (getOperationAST(document, operationName)?.operation !== OperationTypeNode.SUBSCRIPTION) {
      return refuse([badInput('query', ONLY_SUBSCRIPTIONS[sink.transport])], document);
    }
    const release = admitSubscription(platform, caller);
    const { schema } = documents;
    const execution = { schema, document, operationName, variableValues, contextValue };
    return new Subscription(execution, known.plan, sink, release);
  } catch (error) {
    if (error instanceof CallerError) return refuse([error], document);
    throw error;
  }
}

/**
 * One subscription, which hands its results to a sink. To the libraries of the protocols it is what they execute, and
 * the result: an iterable that yields nothing, whose only `next` lasts as long as the subscription does; `return` ends
 * it.
 */
export class Subscription implements ExecutionArgs, AsyncIterableIterator<ExecutionResult> {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly operationName: ExecutionArgs['operationName'];
  readonly variableValues: ExecutionArgs['variableValues'];
  readonly contextValue: Context;
  readonly #plan: Plan | undefined;
  readonly #sink: Sink;
  readonly #release: () => void;
  #source: AsyncIterator<unknown> | undefined;
  #hasEnded = false;
  #events = 0;
  /** Code of the last error that was sent. */
  #outcome = OK;

  /** @param release called once, when the subscription has ended */
  constructor(
    execution: ExecutionArgs & { readonly contextValue: Context },
    plan: Plan | undefined,
    sink: Sink,
    release: () => void,
  ) {
    this.schema = execution.schema;
    this.document = execution.document;
    this.operationName = execution.operationName;
    this.variableValues = execution.variableValues;
    this.contextValue = execution.contextValue;
    this.#plan = plan;
    this.#sink = sink;
    this.#release = release;
  }

  async next(): Promise<IteratorResult<ExecutionResult>> {
    try {
      const opened = this.#hasEnded ? undefined : await this.#open();
      while (opened && !this.#hasEnded) {
        const event = await opened.source.next().catch((error: unknown) => this.#sendFailure(error));
        if (!event || event.done || this.#hasEnded) break;
        await this.#sendEvent(event.value, opened.answering);
      }
    } finally {
      await this.return();
    }
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<ExecutionResult>> {
    if (!this.#hasEnded) {
      this.#hasEnded = true;
      this.#release();
      logEnd(this.contextValue, this.#operation, this.#events, this.#outcome);
      await this.#source?.return?.();
    }
    return { done: true, value: undefined };
  }

  async throw(): Promise<IteratorResult<ExecutionResult>> {
    return this.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Opens the source of events; sends what is wrong, and returns undefined, when there is none. */
  async #open(): Promise<{ source: AsyncIterator<unknown>; answering: Answering | undefined } | undefined> {
    const operation = getOperationAST(this.document, this.operationName) as OperationDefinitionNode;
    const { coerced, fault } = readVariables(this.schema, operation, this.variableValues, this.document);
    if (fault) return this.#sendNoEvents({ errors: [fault] });
    const opened = await createSourceEventStream(this);
    if (!(Symbol.asyncIterator in opened)) return this.#sendNoEvents(opened);
    const source = opened[Symbol.asyncIterator]();
    // A client that left while this was being opened has ended it already.
    if (this.#hasEnded) await source.return?.();
    this.#source = source;
    logBegin(this.contextValue, this.#operation);
    return { source, answering: this.#plan?.begin(coerced, this.contextValue) };
  }

  get #operation(): Operation {
    const { document, contextValue, operationName } = this;
    const [transport, text] = [this.#sink.transport, document.loc?.source.body];
    return { transport, caller: contextValue.caller, text, document, node: getOperationAST(document, operationName) };
  }

  async #sendNoEvents(result: ExecutionResult): Promise<undefined> {
    await this.#sendResult(result);
  }

  async #sendEvent(event: unknown, answering: Answering | undefined): Promise<void> {
    this.#events++;
    const answer = answering?.(event);
    const settled = answer instanceof Promise ? await answer : answer;
    if (typeof settled === 'string') return this.#send(settled);
    return this.#sendResult(settled ?? (await execute({ ...this, rootValue: event })));
  }

  /** Sends the error that ended the source, as the last result. */
  async #sendFailure(error: unknown): Promise<undefined> {
    await this.#sendResult({ errors: [locatedError(error, undefined)], data: null });
  }

  #sendResult({ errors, ...result }: ExecutionResult): Promise<void> {
    if (!errors) return this.#send(JSON.stringify(result));
    const { platform, requestId, caller } = this.contextValue;
    const presented = presentAll(platform, errors, requestId);
    this.#outcome = outcomeOf(presented);
    const text = JSON.stringify({ ...result, errors: presented });
    const lostRole =
      caller?.role === 'OPERATOR' && presented.some(({ extensions }) => extensions?.code === 'FORBIDDEN');
    if (!lostRole) return this.#send(text);
    return this.#sink.last(text).then(() => void this.return());
  }

  /** An event that was on its way when the subscription ended is not sent. */
  async #send(text: string): Promise<void> {
    if (!this.#hasEnded) await this.#sink.next(text);
  }
}
