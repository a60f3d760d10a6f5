import { getDirective, MapperKind, mapSchema } from '@graphql-tools/utils';
import {
  DirectiveLocation,
  GraphQLDirective,
  type GraphQLFieldConfig,
  type GraphQLFieldResolver,
  type GraphQLSchema,
} from 'graphql';
import { findConcertQueue, findShow } from './concerts/find-show.ts';
import { type Context, callerOf, type Pass } from './context.ts';
import { idOf } from './input.ts';
import { sql } from './platform/postgres.ts';
import { SECOND } from './platform/units.ts';
import { CallerError } from './problems.ts';
import { requirePass } from './queue/require-pass.ts';

export const DIRECTIVES = ['queued', 'operator'].map(
  (name) => new GraphQLDirective({ name, locations: [DirectiveLocation.FIELD_DEFINITION] }),
);

type Resolver = GraphQLFieldResolver<unknown, Context>;
type Root = 'Query' | 'Mutation' | 'Subscription';

/** Root fields that anybody may ask for; those behind a queue judge for themselves. */
const PUBLIC = new Set(['signUp', 'signIn', 'settings', 'concerts', 'concert']);

/** A request ends within 3 s, whatever hangs. What is slow by nature gets longer. */
const DEADLINE_MS = 2.8 * SECOND;
const SLOW_DEADLINE_MS = 30 * SECOND;
const SLOW = new Set(['signUp', 'signIn', 'createShow']);

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
  const guards: Guard[] = [];
  if (getDirective(schema, field, 'operator')) guards.push(requireOperator);
  else if (queued) guards.push(root === 'Mutation' ? requireBuyersPass : requireViewersPass);
  else if (!PUBLIC.has(name)) guards.push(requireCaller);
  const guarded = (resolve: Resolver): Resolver => {
    const checked = guards.reduceRight((inner, guard) => after(guard, inner), resolve);
    return withDeadline(checked, SLOW.has(name) ? SLOW_DEADLINE_MS : DEADLINE_MS);
  };
  const { resolve, subscribe } = field;
  if (root === 'Subscription') return { ...field, ...(subscribe && { subscribe: guarded(subscribe) }) };
  return { ...field, ...(resolve && { resolve: guarded(resolve) }) };
}

/** Lets the request through, perhaps with a pass, or throws. */
type Guard = (context: Context, args: Record<string, unknown>) => Promise<Pass | null> | Pass | null;

function after(guard: Guard, resolve: Resolver): Resolver {
  return async (source, args, context, info) => {
    const pass = await guard(context, args);
    return resolve(source, args, pass ? { ...context, pass } : context, info);
  };
}

const requireCaller: Guard = (context) => {
  callerOf(context);
  return null;
};

/** The role in the token may have been taken away since: where the accounts are ours, the row decides. */
const requireOperator: Guard = async (context) => {
  const { id, role } = callerOf(context);
  if (role !== 'OPERATOR') throw new CallerError('FORBIDDEN');
  if (!context.platform.config.AUTH_JWKS_URL) {
    const operators = await sql(context.em, `select id from user_account where id = $1 and role = 'OPERATOR'`, [id]);
    if (operators.length === 0) throw new CallerError('FORBIDDEN');
  }
  return null;
};

const requireViewersPass: Guard = async (context, args) => {
  const queueId = await queueInFront(context, args);
  if (context.caller?.role === 'OPERATOR') return null;
  return requirePass(context, queueId);
};

const requireBuyersPass: Guard = async (context, args) => {
  callerOf(context);
  return requirePass(context, await queueInFront(context, args));
};

/** The queue before the concert or show that the arguments name, or null. */
async function queueInFront(context: Context, args: Record<string, unknown>): Promise<string | null> {
  const { concertId, showId } = { ...args, ...(args.input as object | undefined) } as Record<string, string>;
  if (concertId !== undefined) return findConcertQueue(context.platform, idOf('concertId', concertId));
  if (showId === undefined) throw new Error('a @queued field names neither a concert nor a show');
  return (await findShow(context.platform, idOf('showId', showId))).queueId;
}

function withDeadline(resolve: Resolver, deadlineMs: number): Resolver {
  return async (source, args, context, info) => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new CallerError('SERVICE_UNAVAILABLE')), deadlineMs);
    });
    try {
      return await Promise.race([resolve(source, args, context, info), late]);
    } finally {
      clearTimeout(timer);
    }
  };
}
