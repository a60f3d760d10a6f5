import type { EntityManager } from '@mikro-orm/core';
import DataLoader from 'dataloader';
import type { Acting } from '../commands/operator-log.ts';
import type { Timing } from '../commands/timing.ts';
import type { RateName } from '../config.ts';
import type { Platform } from '../platform/platform.ts';
import { SECOND } from '../platform/units.ts';
import { withTimeout } from '../platform/with-timeout.ts';
import { Notes } from './operation-log.ts';
import { CallerError } from './problems.ts';

export type Role = 'BUYER' | 'OPERATOR';

/** Milliseconds for the root fields of a request, which ends within 3 s: fields nested in a slow one get the rest. */
export const MAX_REQUEST_MS = 2_800;
const MIN_NESTED_MS = 150;

/** The declaration of a root field by `@Extensions` of its resolver; access.ts enforces it. */
export interface Declared {
  /** Public: served without signing in. Otherwise a caller is required; @queued and @operator decide for themselves. */
  readonly isPublic?: true;
  /** Milliseconds that the field may take; when left out, the root fields of a request share MAX_REQUEST_MS. */
  readonly deadlineMs?: number;
  /** Seconds for which caches may keep its answer, as `Cacheable` declares; left out: not at all. */
  readonly cacheSeconds?: number;
  /** The rates that each use of the field counts for. */
  readonly rates?: readonly RateName[];
}
export const PUBLIC: Declared = { isPublic: true };
export const SLOW = { deadlineMs: 30 * SECOND } as const satisfies Declared;

/** The signed-in user, as the access token says. */
export interface Caller {
  readonly id: string;
  readonly role: Role;
  /** When the access token ends, in milliseconds since 1970. */
  readonly until: number;
  /** Null where an identity provider keeps the sessions. */
  readonly sessionId: string | null;
  /** The user's version when the session was opened. */
  readonly version: number;
}

/** Proof that the caller holds an ACTIVE token of the queue in front. */
export interface Pass {
  readonly queueId: string;
  /** SHA-256 of the token value, lower-case hex. */
  readonly tokenHash: string;
}

/** The other end of the connection that a request came over. */
export interface Client {
  /** As `clientAddress` answers it; null where no limit by address counts. */
  readonly address: string | null;
  /** Whether the connection is closed, so that nobody waits for an answer. */
  isGone(): boolean;
  /** The cookies of a request; undefined for a socket or stream, which sets none. */
  readonly cookies?: Cookies;
}

/** The cookies that came with a request, and those that go with its answer. */
export interface Cookies {
  /** The header `cookie` as sent. */
  readonly sent: string | undefined;
  /** @param cookie a value of the header `set-cookie` */
  set(cookie: string): void;
}

/** The client of what this process does by itself. */
const ITSELF: Client = { address: null, isGone: () => false };

/** One request, or one subscription: its caller and what was loaded for it. */
export class Context {
  readonly platform: Platform;
  readonly caller: Caller | null;
  /** The header x-queue-token as sent. */
  readonly queueToken: string | undefined;
  readonly client: Client;
  /** Start of the request, in milliseconds of `performance.now()`. */
  readonly startedAt = performance.now();
  /** Set for the resolver of a @queued field, by access.ts. */
  readonly pass: Pass | null = null;
  /** Set where the caller acts by the role of an operator: what it changes is written into the operators' log. */
  readonly acting: Acting | null = null;
  /**
   * What the contexts derived from this one share. An EntityManager and loaders are created at first use: most requests and
   * nearly all subscriptions need none, and a fork takes kilobytes.
   */
  protected readonly made: {
    em?: EntityManager;
    loaders?: Loaders;
    notes?: Notes;
    signedIn?: string;
    spentMs?: number;
  } = {};

  constructor(
    platform: Platform,
    caller: Caller | null,
    queueToken: string | undefined,
    notes: Notes | undefined,
    client: Client,
  ) {
    this.platform = platform;
    this.caller = caller;
    this.queueToken = queueToken;
    this.client = client;
    if (notes) this.made.notes = notes;
  }

  /** Names the request in errors and in the log. */
  get requestId(): string {
    return this.notes.requestId;
  }

  get notes(): Notes {
    this.made.notes ??= new Notes();
    return this.made.notes;
  }

  noteCommand(timing: Timing): void {
    this.notes.noteCommand(timing);
  }

  /**
   * Whether the request has used up its time, so that its caller has been answered SERVICE_UNAVAILABLE. A change that
   * has not begun by then must not begin: the caller would not learn of it.
   */
  isOver(): boolean {
    return performance.now() - this.startedAt > MAX_REQUEST_MS;
  }

  /** How long the root fields that are over have taken together, in milliseconds; those of a mutation run one after another. */
  get spentMs(): number {
    return this.made.spentMs ?? 0;
  }

  noteSpent(ms: number): void {
    this.made.spentMs = this.spentMs + ms;
  }

  /** Id of the user who signed in by this request. */
  get signedIn(): string | undefined {
    return this.made.signedIn;
  }

  noteSignIn(userId: string): void {
    this.made.signedIn = userId;
  }

  get em(): EntityManager {
    this.made.em ??= this.platform.orm.em.fork();
    return this.made.em;
  }

  get loaders(): Loaders {
    this.made.loaders ??= new Map();
    return this.made.loaders;
  }
}

type Loaders = Map<unknown, DataLoader<string, unknown>>;

/**
 * @param notes of the request so far; made at first use when left out, with an id of their own
 * @param client left out for what the process does by itself
 */
export function makeContext(
  platform: Platform,
  caller: Caller | null,
  queueToken: string | undefined,
  notes?: Notes,
  client = ITSELF,
): Context {
  return new Context(platform, caller, queueToken, notes, client);
}

/** The same request with the pass that opens a @queued field. */
export function withPass(context: Context, pass: Pass): Context {
  return Object.create(context, { pass: { value: pass, enumerable: true } });
}

/**
 * The same request, acting by the role of an operator: access.ts marks @operator mutations, and a verb that buyers may use
 * too marks itself.
 * @param mutation its name in the schema
 */
export function asOperator(context: Context, mutation: string): Context {
  const acting: Acting = { operatorId: callerOf(context).id, mutation };
  return Object.create(context, { acting: { value: acting, enumerable: true } });
}

/** @throws CallerError UNAUTHENTICATED for a request without a signed-in user */
export function callerOf(context: Context): Caller {
  if (!context.caller) throw new CallerError('UNAUTHENTICATED');
  return context.caller;
}

/**
 * The id of the user whose answer this is: who signed in by this request, else the caller.
 * @throws CallerError UNAUTHENTICATED when there is neither
 */
export function holderOf(context: Context): string {
  return context.signedIn ?? callerOf(context).id;
}

/** Loads what belongs to each key, in the order of the keys, in a fixed number of SQL statements. */
export type Batch<V> = (context: Context, keys: readonly string[]) => Promise<readonly V[]>;

/**
 * Loads the value of `key` by `batch`; keys that a request asks for in one turn of the event loop are loaded together.
 */
export function load<V>(context: Context, batch: Batch<V>, key: string): Promise<V> {
  let loader = context.loaders.get(batch);
  if (!loader) {
    const loadInTime = (keys: readonly string[]): Promise<readonly unknown[]> =>
      withTimeout(batch(context, keys), nestedMs(context), () => new CallerError('SERVICE_UNAVAILABLE'));
    loader = new DataLoader<string, unknown>(loadInTime, { cache: false });
    context.loaders.set(batch, loader);
  }
  return loader.load(key) as Promise<V>;
}

/** Milliseconds for a nested field: the rest of the request's time, or MIN_NESTED_MS when that is used up. */
function nestedMs({ startedAt }: Context): number {
  return Math.max(MAX_REQUEST_MS - (performance.now() - startedAt), MIN_NESTED_MS);
}
