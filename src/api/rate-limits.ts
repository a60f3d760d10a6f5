import { createHmac, KeyObject } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DocumentNode, GraphQLErrorExtensions, OperationDefinitionNode } from 'graphql';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { chargesOf, RATES, type RateName } from '../config.ts';
import { isUnavailable } from '../platform/faults.ts';
import { keptSecret } from '../platform/kept-secret.ts';
import { type Platform, perProcess } from '../platform/platform.ts';
import type { Context } from './context.ts';
import { tooMany } from './limits.ts';
import type { CallerError } from './problems.ts';
import { rootFieldsOf } from './root-fields.ts';

/** Rates of requests: each process counts for itself, so that a poll asks nobody. */
type RequestRate = 'requestsOfUser' | 'requestsFromAddress';
/** Rates of fields: all processes count together, in Redis. */
type FieldRate = Exclude<RateName, RequestRate>;

type Args = Readonly<Record<string, unknown>>;

/** For whom a use of a field counts, as a text that names them; undefined where it does not count. */
type Counted = (context: Context, args: Args) => Promise<string | undefined> | string | undefined;

/** Longer names and passwords are refused before they are counted or hashed; sign-up does not accept them either. */
export const MAX_NAME = 200;
export const MAX_PASSWORD = 400;

const byUser: Counted = ({ caller }) => caller?.id;

const COUNTED: Readonly<Record<FieldRate, Counted>> = {
  signInsOfName: ({ platform }, args) => (isShortEnough(args) ? digestOf(platform, inputOf(args).name) : undefined),
  signInsFromAddress: ({ platform, client: { address } }, args) =>
    address !== null && isShortEnough(args) ? digestOf(platform, [inputOf(args).name, address]) : undefined,
  signUps: ({ client }) => client.address ?? undefined,
  passwordChanges: byUser,
  dataExports: byUser,
  priorityCodes: (context, args) =>
    typeof inputOf(args).priorityCode === 'string' ? byUser(context, args) : undefined,
  places: byUser,
  holds: byUser,
  claims: byUser,
  orders: byUser,
  // Elsewhere a charge is refused, or is play money; a charge that waits for a payment provider is kept for good.
  charges: (context, args) => (chargesOf(context.platform.config) === 'provider' ? byUser(context, args) : undefined),
};

/** Rates that keep secrets from being guessed: without Redis their fields are closed. Others are open then. */
const CLOSED_WITHOUT_REDIS: readonly FieldRate[] = [
  'signInsOfName',
  'signInsFromAddress',
  'passwordChanges',
  'priorityCodes',
];

/**
 * The part of a rate that a process grants by itself, where the rate is open without Redis: the first purchase of a user
 * makes no round trip, and what a process has granted is told to Redis with the next one.
 */
const OWN_PART = 1 / 8;

/** A field that is never refused because of the address alone: a hall full of people has one. */
const NEVER_BY_ADDRESS = 'signIn';

interface Shared {
  readonly redis: RateLimiterRedis;
  /** What this process has counted; undefined where it grants nothing by itself. */
  readonly own: { readonly most: number; readonly counts: RateLimiterMemory } | undefined;
}

const limitersOf = perProcess(({ config, redis }) => {
  const { RATE_LIMITS: rates = RATES } = config;
  if (rates === 'off') return undefined;
  const shared = (name: FieldRate): Shared => {
    const { points, seconds: duration } = rates[name];
    const most = CLOSED_WITHOUT_REDIS.includes(name) ? 0 : Math.floor(points * OWN_PART);
    return {
      redis: new RateLimiterRedis({
        storeClient: redis,
        keyPrefix: `onsale:rate:${name}`,
        points,
        duration,
        // Who is over the limit costs no more round trips.
        inMemoryBlockOnConsumed: points + 1,
      }),
      own:
        most > 0 ? { most, counts: new RateLimiterMemory({ points: Number.MAX_SAFE_INTEGER, duration }) } : undefined,
    };
  };
  const alone = (name: RequestRate): RateLimiterMemory => {
    const { points, seconds: duration } = rates[name];
    return new RateLimiterMemory({ points, duration });
  };
  const fields = Object.fromEntries(Object.keys(COUNTED).map((name) => [name, shared(name as FieldRate)]));
  return {
    fields: fields as Record<FieldRate, Shared>,
    requestsOfUser: alone('requestsOfUser'),
    requestsFromAddress: alone('requestsFromAddress'),
  };
});

/**
 * Counts one use of a field for each of its rates.
 * @throws CallerError RATE_LIMITED beyond one of them; what Redis throws while it is away, where the rate keeps a secret
 */
export async function countUse(context: Context, args: Args, names: readonly RateName[]): Promise<void> {
  const limiters = limitersOf(context.platform);
  if (!limiters) return;
  for (const name of names as readonly FieldRate[]) {
    const key = await COUNTED[name](context, args);
    if (key !== undefined) await take(context.platform, name, limiters.fields[name], key);
  }
}

/** Takes back what `countUse` counted for those rates: the use was one that does not count. */
export async function uncountUse(context: Context, args: Args, names: readonly RateName[]): Promise<void> {
  const limiters = limitersOf(context.platform);
  const taken = (names as readonly FieldRate[]).map(async (name) => {
    const key = await COUNTED[name](context, args);
    if (limiters && key !== undefined) await limiters.fields[name].redis.reward(key);
  });
  await Promise.all(taken).catch((error: unknown) => {
    if (!isUnavailable(error)) throw error;
  });
}

async function take({ log }: Platform, name: FieldRate, { redis, own }: Shared, key: string): Promise<void> {
  let points = 1;
  if (own) {
    const { consumedPoints } = await own.counts.consume(key);
    if (consumedPoints <= own.most) return;
    if (consumedPoints === own.most + 1) points = consumedPoints;
  }
  try {
    await redis.consume(key, points);
  } catch (error) {
    if (error instanceof RateLimiterRes) throw await over(name, error);
    if (!isUnavailable(error) || CLOSED_WITHOUT_REDIS.includes(name)) throw error;
    log.debug({ rate: name, error: String(error) }, 'a rate was not counted');
  }
}

/**
 * Counts a document before it is read, because reading it may be what costs most: for its caller, or without one for the
 * address it came from. Asks no server. `countFields` counts what may be a sign-in.
 * @param text as it was sent; left out where no sign-in is served
 * @throws CallerError RATE_LIMITED with the status 429, beyond what a user, or an address, may ask this process for
 */
export async function countDocument(context: Context, text?: unknown): Promise<void> {
  if (!isLeftOpen(context, text)) await takeRequest(context, 1);
}

/**
 * Counts the root fields of an operation that `countDocument` has not counted.
 * @param operation what is asked for; undefined where the document could not be read
 * @throws CallerError as `countDocument`
 */
export async function countFields(
  context: Context,
  text: unknown,
  document?: DocumentNode,
  operation?: OperationDefinitionNode | null,
): Promise<void> {
  const fields = document && operation ? rootFieldsOf(document, operation) : UNREAD;
  const points = context.caller ? fields.length : fields.filter((field) => field !== NEVER_BY_ADDRESS).length;
  await takeRequest(context, isLeftOpen(context, text) ? points : points - 1);
}

/** What could not be read is counted as one field. */
const UNREAD = [''];

/** Characters of a sign-in's document, at most: a longer one is not read beyond the limit of its address. */
const MAX_SIGN_IN = 4_000;

/** Whether the document may be a sign-in, which no address alone refuses. */
function isLeftOpen({ caller }: Context, text: unknown): boolean {
  return !caller && typeof text === 'string' && text.length <= MAX_SIGN_IN && text.includes(NEVER_BY_ADDRESS);
}

async function takeRequest({ platform, caller, client }: Context, points: number): Promise<void> {
  // Without rates nobody's address is read.
  if (points <= 0 || caller?.role === 'OPERATOR' || !limitersOf(platform)) return;
  if (caller) await takeAlone(platform, 'requestsOfUser', caller.id, points);
  else await countAnonymous(platform, client.address, points);
}

/**
 * Counts a request without a user, or an unsigned webhook, for the address that it came from. Asks no server.
 * @param address null where no limit by address counts
 * @throws CallerError RATE_LIMITED with the status 429, beyond what an address may ask this process for
 */
export async function countAnonymous(platform: Platform, address: string | null, points = 1): Promise<void> {
  if (address !== null) await takeAlone(platform, 'requestsFromAddress', address, points);
}

async function takeAlone(platform: Platform, name: RequestRate, key: string, points: number): Promise<void> {
  try {
    await limitersOf(platform)?.[name].consume(key, points);
  } catch (error) {
    if (error instanceof RateLimiterRes) throw await over(name, error, { http: { status: 429 } });
    throw error;
  }
}

/** Milliseconds after which a refusal is answered: a client that asks again at once keeps the process less busy. */
const REFUSAL_MS = 250;

/** @returns the error for a use beyond a rate, after a moment */
async function over(
  name: RateName,
  { msBeforeNext }: RateLimiterRes,
  extensions: GraphQLErrorExtensions = {},
): Promise<CallerError> {
  await sleep(REFUSAL_MS);
  const retryAfterMs = Math.max(1, Math.ceil(msBeforeNext - REFUSAL_MS));
  return tooMany(`There are too many ${name} at the moment.`, retryAfterMs, extensions);
}

function inputOf({ input }: Args): Args {
  return input as Args;
}

/** Whether a sign-in can be right. One that is too long guesses nothing, so that it must not count for its name. */
function isShortEnough(args: Args): boolean {
  const { name, password } = inputOf(args) as { name: string; password: string };
  return name.length <= MAX_NAME && password.length <= MAX_PASSWORD;
}

/** The key by which a name has its text: without it nobody can work out which names share one. */
const digestSecret = keptSecret('rate-secret');

/**
 * A text of 18 bits for a name. Guesses of ever new names would fill Redis, which must not evict: 262,144 keys are the most
 * that they make. Names that share one share its counts, which takes more than a flood to notice.
 */
async function digestOf(platform: Platform, name: unknown): Promise<string> {
  const secret = KeyObject.from(await digestSecret(platform)());
  // At once: a flood of guesses would otherwise wait for the threads that hash.
  return createHmac('sha256', secret).update(JSON.stringify(name)).digest('base64url').slice(0, 3);
}
