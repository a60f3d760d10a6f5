import { getDirective, MapperKind, mapSchema } from '@graphql-tools/utils';
import {
  DirectiveLocation,
  GraphQLDirective,
  type GraphQLFieldConfig,
  type GraphQLFieldResolver,
  type GraphQLSchema,
  specifiedDirectives,
} from 'graphql';
import { isOperator } from '../accounts/is-operator.ts';
import { findConcertQueue, findShow } from '../concerts/find-show.ts';
import { SECOND } from '../platform/units.ts';
import { requirePass } from '../queue/require-pass.ts';
import { type Context, callerOf, MOST_REQUEST_MS, type Pass, withPass } from './context.ts';
import { idOf } from './input.ts';
import { CallerError } from './problems.ts';

/** Every directive of the schema: those of the specification, and the two that guard fields. */
export const DIRECTIVES = [
  ...specifiedDirectives,
  ...['queued', 'operator'].map(
    (name) => new GraphQLDirective({ name, locations: [DirectiveLocation.FIELD_DEFINITION] }),
  ),
];

type Resolver = GraphQLFieldResolver<unknown, Context>;
type Root = 'Query' | 'Mutation' | 'Subscription';

/** Root fields that anybody may ask for; those behind a queue judge for themselves. */
const PUBLIC = new Set([
  'signUp',
  'signIn',
  'settings',
  'concerts',
  'concert',
  'products',
  'product',
  'bestSellers',
  'coupon',
  'queueShuffle',
]);

/** What is slow by nature may take longer than other requests. */
const SLOW_DEADLINE_MS = 30 * SECOND;
const SLOW = new Set(['signUp', 'signIn', 'createShow', 'audit']);

/** The schema with every field guarded: signed in, @operator, @queued, and a deadline on root fields. */
export function guardSchema(schema: GraphQLSchema): GraphQLSchema {
  return mapSchema(schema, {
    [MapperKind.ROOT_FIELD]: (field, name, typeName) => guardRoot(schema, field, name, typeName as Root),
    [MapperKind.OBJECT_FIELD]: (field, _name, typeName) => {
      const isRoot = ['Query', 'Mutation', 'Subscription'].includes(typeName);
      if (isRoot || !field.resolve || !getDirective(schema, field, 'operator')) return field;
      return { ...field, resolve: after(requireOperator, field.resolve) };
    },
  });
}

function guardRoot(
  schema: GraphQLSchema,
  field: GraphQLFieldConfig<unknown, Context>,
  name: string,
  root: Root,
): GraphQLFieldConfig<unknown, Context> {
  const queued = getDirective(schema, field, 'queued') !== undefined;
  const operator = getDirective(schema, field, 'operator') !== undefined;
  const guards: Guard[] = [];
  if (operator) guards.push(requireOperator);
  else if (queued) guards.push(...QUEUED[root]);
  else if (!PUBLIC.has(name)) guards.push(requireCaller);
  const guarded = (resolve: Resolver): Resolver => {
    const checked = guards.reduceRight((inner, guard) => after(guard, inner), resolve);
    return SLOW.has(name) ? withDeadline(checked, () => SLOW_DEADLINE_MS) : withinBudget(checked);
  };
  const { resolve, subscribe } = field;
  if (root !== 'Subscription') return { ...field, ...(resolve && { resolve: guarded(resolve) }) };
  const told = resolve && operator ? after(requireOperator, resolve) : resolve;
  return { ...field, ...(told && { resolve: told }), ...(subscribe && { subscribe: guarded(subscribe) }) };
}

/** Lets the request through, perhaps with a pass, or throws. */
type Guard = (context: Context, args: Record<string, unknown>) => Promise<Pass | null> | Pass | null;

/** What needs not be waited for is not: most guards and many resolvers know at once. */
function after(guard: Guard, resolve: Resolver): Resolver {
  return (source, args, context, info) => {
    const go = (pass: Pass | null): unknown => resolve(source, args, pass ? withPass(context, pass) : context, info);
    const pass = guard(context, args);
    return pass instanceof Promise ? pass.then(go) : go(pass);
  };
}

const requireCaller: Guard = (context) => {
  callerOf(context);
  return null;
};

const requireOperator: Guard = async (context) => {
  callerOf(context);
  if (!(await isOperator(context))) throw new CallerError('FORBIDDEN');
  return null;
};

const requireViewersPass: Guard = async (context, args) => {
  const queueId = await queueInFront(context, args);
  if (queueId === null || (await isOperator(context))) return null;
  return requirePass(context, queueId);
};

const requireBuyersPass: Guard = async (context, args) => {
  callerOf(context);
  return requirePass(context, await queueInFront(context, args));
};

/** Only queries are public where no queue stands in front. */
const QUEUED: Record<Root, Guard[]> = {
  Query: [requireViewersPass],
  Mutation: [requireBuyersPass],
  Subscription: [requireCaller, requireViewersPass],
};

/** The queue before the concert or show that the arguments name, or null. */
async function queueInFront(context: Context, args: Record<string, unknown>): Promise<string | null> {
  const { concertId, showId } = { ...args, ...(args.input as object | undefined) } as Record<string, string>;
  if (concertId !== undefined) return findConcertQueue(context.platform, idOf('concertId', concertId));
  if (showId === undefined) throw new Error('a @queued field names neither a concert nor a show');
  return (await findShow(context.platform, idOf('showId', showId))).queueId;
}

/** Refuses what takes longer than `deadlineMs` says when it begins; 0 or less: it does not begin at all. */
function withDeadline(resolve: Resolver, deadlineMs: (context: Context) => number): Resolver {
  return (source, args, context, info) => {
    const ms = deadlineMs(context);
    if (ms <= 0) throw new CallerError('SERVICE_UNAVAILABLE');
    const answer = resolve(source, args, context, info);
    return answer instanceof Promise ? inTime(answer, ms) : answer;
  };
}

async function inTime(answer: Promise<unknown>, ms: number): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new CallerError('SERVICE_UNAVAILABLE'));
      answer.then(endUnread, () => undefined);
    }, ms);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A subscription that opened too late has nobody to read it: it must not go on listening. */
function endUnread(answer: unknown): void {
  const source = answer as Partial<AsyncIterator<unknown>> | null | undefined;
  if (typeof source?.return === 'function') void source.return();
}

/** How long the root fields of one document that ran one after another have taken together. */
const spent = new WeakMap<Context, number>();

/** One deadline for whatever a document runs one after another: ten mutations take no longer than one may. */
function withinBudget(resolve: Resolver): Resolver {
  const limited = withDeadline(resolve, (context) => MOST_REQUEST_MS - (spent.get(context) ?? 0));
  return (source, args, context, info) => {
    const began = performance.now();
    const answer = limited(source, args, context, info);
    if (!(answer instanceof Promise)) return answer;
    return answer.finally(() => spent.set(context, (spent.get(context) ?? 0) + performance.now() - began));
  };
}
