import { getDirective } from '@graphql-tools/utils';
import {
  DirectiveLocation,
  GraphQLDirective,
  type GraphQLField,
  type GraphQLFieldResolver,
  type GraphQLSchema,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  specifiedDirectives,
} from 'graphql';
import pLimit, { type LimitFunction } from 'p-limit';
import { isOperator } from '../accounts/is-operator.ts';
import { findConcert, findShow } from '../concerts/find-show.ts';
import { RATES, type RateName } from '../config.ts';
import { withTimeout } from '../platform/with-timeout.ts';
import { requirePass, watchPass } from '../queue/require-pass.ts';
import { asOperator, type Context, callerOf, type Declared, MAX_REQUEST_MS, type Pass, withPass } from './context.ts';
import { idOf } from './input.ts';
import { CallerError, notFound, Problem } from './problems.ts';
import { countUse } from './rate-limits.ts';

/** All directives of the schema: those of the specification, and the two that restrict the use of a field. */
export const DIRECTIVES = [
  ...specifiedDirectives,
  new GraphQLDirective({
    name: 'queued',
    locations: [DirectiveLocation.FIELD_DEFINITION],
    description: `Served only to the holder of an ACTIVE token of the queue in front of the concert, sent as header \`x-queue-token\`; over a
WebSocket as \`connectionParams.queueToken\`, or \`extensions.queueToken\` of one subscription. Anybody else gets the error
\`QUEUE_TOKEN_REQUIRED\`, with the id and the state of the queue in \`extensions.queue\`. A concert without a queue needs no
token: its queries are public. Operators query and subscribe without a token; to reserve they need one`,
  }),
  new GraphQLDirective({
    name: 'operator',
    locations: [DirectiveLocation.FIELD_DEFINITION],
    description: `Served only to users with the role OPERATOR; others get the error \`FORBIDDEN\`, without an access token
\`UNAUTHENTICATED\`. What a mutation of an operator changes is written into the operators' log`,
  }),
];

type Resolver = GraphQLFieldResolver<unknown, Context>;
type Root = 'Query' | 'Mutation' | 'Subscription';

/**
 * Adds the checks of access to the fields of a schema: signed in, @operator, @queued; to root fields also a deadline. The
 * schema itself is changed: to make another one takes as long as to build it.
 */
export function enforceAccess(schema: GraphQLSchema): GraphQLSchema {
  for (const type of Object.values(schema.getTypeMap()).filter(isObjectType)) {
    const isRoot = ['Query', 'Mutation', 'Subscription'].includes(type.name);
    for (const field of Object.values(type.getFields())) {
      if (isRoot) enforceOnRoot(schema, field, type.name as Root);
      else if (field.resolve && getDirective(schema, field, 'operator')) {
        field.description = sentences(field.description, WHO.operator);
        field.resolve = after(requireOperator, field.resolve);
      }
    }
  }
  return schema;
}

/**
 * Wraps a root field: `resolve` of queries and mutations; of subscriptions `subscribe`, and `resolve` for each event.
 */
function enforceOnRoot(schema: GraphQLSchema, field: GraphQLField<unknown, Context>, root: Root): void {
  const { isPublic, deadlineMs, rates } = field.extensions as Declared;
  const isOperators = getDirective(schema, field, 'operator') !== undefined;
  const isQueued = getDirective(schema, field, 'queued') !== undefined;
  const access = isOperators ? requireOperator : isQueued ? requirePassFor[root] : isPublic ? undefined : requireCaller;
  const checkedInTime = (resolve: Resolver): Resolver => {
    const counted = rates ? after(countFor(rates), resolve) : resolve;
    const checked = access ? after(access, counted) : counted;
    if (deadlineMs !== undefined) return withDeadline(checked, () => deadlineMs);
    return withinBudget(root === 'Query' ? fewAtOnce(checked) : checked);
  };
  const { subscribe } = field;
  const resolve =
    field.resolve && isOperators && root === 'Mutation' ? acting(field.name, field.resolve) : field.resolve;
  const who = isOperators ? WHO.operator : isQueued ? WHO_QUEUED[root] : isPublic ? WHO.anybody : WHO.user;
  field.description = sentences(field.description, who, ...(rates ? [rateOf(rates)] : []));
  if (root !== 'Subscription') {
    if (resolve) field.resolve = noted(checkedInTime(resolve));
    return;
  }
  // A role may be withdrawn between two events, so each event checks it. A pass is watched, and its end ends the events.
  if (resolve && isOperators) field.resolve = after(requireOperator, resolve);
  if (subscribe) field.subscribe = checkedInTime(isQueued ? untilPassEnds(subscribe) : subscribe);
}

/** Who may use a field, as its description says: introspection tells no directives, and editors show descriptions. */
const WHO = {
  anybody: 'Anybody may ask',
  user: 'Only when signed in, else `UNAUTHENTICATED`',
  operator: 'Only for operators, else `FORBIDDEN`',
} as const;

const TOKEN = 'Only with an ACTIVE token of the queue in front of the concert, as header `x-queue-token`, else';

const WHO_QUEUED: Record<Root, string> = {
  Query: `${TOKEN}
\`QUEUE_TOKEN_REQUIRED\`. Operators need none, and without a queue in front anybody may ask`,
  Mutation: `${TOKEN}
\`QUEUE_TOKEN_REQUIRED\`; for operators too. Without a queue in front it is enough to be signed in`,
  Subscription: `${TOKEN}
\`QUEUE_TOKEN_REQUIRED\`. Operators need none, and without a queue in front it is enough to be signed in`,
};

/** The rates that a field counts for, in a sentence. */
function rateOf(rates: readonly RateName[]): string {
  const limits = rates.map((name) => `${RATES[name].points} ${RATES[name].about} in ${RATES[name].seconds} s`);
  return `By default at most ${limits.join(', and ')}, else \`RATE_LIMITED\` with \`retryAfterMs\``;
}

/** A description with more sentences, each on a line of its own. */
function sentences(description: string | null | undefined, ...more: readonly string[]): string {
  return [...(description ? [description] : []), ...more].join('.\n');
}

/** Marks the request as an operator's, once its access was checked: what it changes is written into the operators' log. */
function acting(mutation: string, resolve: Resolver): Resolver {
  return (source, args, context, info) => resolve(source, args, asOperator(context, mutation), info);
}

/** Checks a request. @returns the pass that it found, or null. @throws CallerError when the request is refused */
type Check = (context: Context, args: Record<string, unknown>) => Promise<Pass | null> | Pass | null;

/** Notes the time of a field and its refusal. Plans, which answer one field without executing it, need no such note. */
function noted(resolve: Resolver): Resolver {
  return (source, args, context, info) => {
    const { fieldName } = info;
    if (fieldName === undefined) return resolve(source, args, context, info);
    const began = performance.now();
    const note = (answer: unknown): void =>
      context.notes.noteField(
        fieldName,
        performance.now() - began,
        answer instanceof Problem ? answer.code : undefined,
      );
    const answer = resolve(source, args, context, info);
    if (answer instanceof Promise) answer.then(note, note);
    else note(answer);
    return answer;
  };
}

/** Runs `check` before `resolve`. Synchronous when both are, as most are, which saves turns of the event loop. */
function after(check: Check, resolve: Resolver): Resolver {
  return (source, args, context, info) => {
    const go = (pass: Pass | null): unknown => resolve(source, args, pass ? withPass(context, pass) : context, info);
    const pass = check(context, args);
    return pass instanceof Promise ? pass.then(go) : go(pass);
  };
}

const requireCaller: Check = (context) => {
  callerOf(context);
  return null;
};

/** Counts the use of a field for its rates. */
function countFor(rates: readonly RateName[]): Check {
  return async (context, args) => {
    await countUse(context, args, rates);
    return null;
  };
}

const requireOperator: Check = async (context) => {
  callerOf(context);
  if (!(await isOperator(context))) throw new CallerError('FORBIDDEN');
  return null;
};

const requireViewersPass: Check = async (context, args) => {
  const queueId = await queueInFront(context, args);
  if (queueId === null || (await isOperator(context))) return null;
  return requirePass(context, queueId);
};

/** Without a queue in front, queries are public; mutations and subscriptions still require a caller. */
const requirePassFor: Record<Root, Check> = {
  Query: requireViewersPass,
  Mutation: async (context, args) => {
    callerOf(context);
    return requirePass(context, await queueInFront(context, args));
  },
  Subscription: (context, args) => {
    callerOf(context);
    return requireViewersPass(context, args);
  },
};

/** Ends a subscription when the pass that opened it ends. */
function untilPassEnds(subscribe: Resolver): Resolver {
  return async (source, args, context, info) => {
    const events = (await subscribe(source, args, context, info)) as AsyncIterableIterator<unknown>;
    if (!context.pass) return events;
    const end = (): void => void events.return?.();
    try {
      const stopWatching = await watchPass(context.platform, context.pass, end);
      return {
        next: () => events.next(),
        return: () => {
          stopWatching();
          return events.return?.();
        },
        [Symbol.asyncIterator]() {
          return this;
        },
      };
    } catch (error) {
      end();
      throw error;
    }
  };
}

/**
 * Id of the queue in front of the concert or show that the arguments name, or null.
 * @throws CallerError NOT_FOUND for an unknown one, and for one that was withdrawn unless the caller is an operator
 */
async function queueInFront(context: Context, args: Record<string, unknown>): Promise<string | null> {
  const { input } = args as { input?: object };
  const { concertId, showId } = { ...args, ...input } as Record<string, string>;
  const within = input ? 'input.' : '';
  if (concertId === undefined && showId === undefined) {
    throw new Error('a @queued field names neither a concert nor a show');
  }
  const { queueId, isWithdrawn } =
    concertId === undefined
      ? await findShow(context.platform, idOf(`${within}showId`, showId as string))
      : await findConcert(context.platform, idOf(`${within}concertId`, concertId));
  if (isWithdrawn && !(await isOperator(context))) throw notFound(concertId === undefined ? 'show' : 'concert');
  return queueId;
}

/** Refuses a field that takes longer than `deadlineMs` milliseconds; at 0 or less the field does not begin. */
function withDeadline(resolve: Resolver, deadlineMs: (context: Context) => number): Resolver {
  return (source, args, context, info) => {
    const ms = deadlineMs(context);
    if (ms <= 0) throw new CallerError('SERVICE_UNAVAILABLE');
    const answer = resolve(source, args, context, info);
    return answer instanceof Promise ? withTimeout(answer, ms, () => giveUp(answer)) : answer;
  };
}

/** A subscription that opens too late has no reader: it must not keep listening. */
function giveUp(answer: Promise<unknown>): CallerError {
  const end = (opened: unknown): void => void (opened as Partial<AsyncIterator<unknown>> | null)?.return?.();
  answer.then(end, () => undefined);
  return new CallerError('SERVICE_UNAVAILABLE');
}

/** Gives one deadline to all fields that a request runs one after another: ten mutations have as much time as one. */
function withinBudget(resolve: Resolver): Resolver {
  const limited = withDeadline(resolve, (context) => MAX_REQUEST_MS - context.spentMs);
  return (source, args, context, info) => {
    const began = performance.now();
    const answer = limited(source, args, context, info);
    if (!(answer instanceof Promise)) return answer;
    const note = (): void => context.noteSpent(performance.now() - began);
    // Runs before what the caller does with the answer: the next field finds the time noted.
    answer.then(note, note);
    return answer;
  };
}

/** Root fields of one query that are under way at once: what a document of hundreds needs is left to others. */
const MAX_FIELDS_AT_ONCE = 4;

const turns = new WeakMap<Context, LimitFunction>();

/** Lets the root fields of a document with many wait for each other. */
function fewAtOnce(resolve: Resolver): Resolver {
  return (source, args, context, info) => {
    const { operation } = info;
    // A plan answers one field, and gives no operation.
    const isFew = operation === undefined || selectsFew(operation);
    if (isFew) return resolve(source, args, context, info);
    const inTurn = turns.get(context) ?? pLimit(MAX_FIELDS_AT_ONCE);
    turns.set(context, inTurn);
    return inTurn(() => {
      if (context.isOver()) throw new CallerError('SERVICE_UNAVAILABLE');
      return resolve(source, args, context, info);
    });
  };
}

function selectsFew({ selectionSet: { selections } }: OperationDefinitionNode): boolean {
  return selections.length <= MAX_FIELDS_AT_ONCE && selections.every(({ kind }) => kind === Kind.FIELD);
}
