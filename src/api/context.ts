import { randomUUID } from 'node:crypto';
import type { EntityManager } from '@mikro-orm/core';
import DataLoader from 'dataloader';
import type { Platform } from '../platform/platform.ts';
import { CallerError } from './problems.ts';

export type Role = 'BUYER' | 'OPERATOR';

/** A request ends within three seconds, whatever hangs; the fields nested in a slow one still get a moment. */
export const MOST_REQUEST_MS = 2_800;
const LEAST_NESTED_MS = 150;

/** Who asks, as their access token says. */
export interface Caller {
  readonly id: string;
  readonly role: Role;
  /** When the access token ends, in milliseconds since 1970. */
  readonly until: number;
}

/** Proof that the holder of an ACTIVE token may use the field; null where no queue stands in front. */
export interface Pass {
  readonly queueId: string;
  /** SHA-256 of the token value, lower-case hex. */
  readonly tokenHash: string;
}

/** What one request knows. */
export class Context {
  readonly platform: Platform;
  readonly caller: Caller | null;
  /** The header x-queue-token, as it came. */
  readonly queueToken: string | undefined;
  readonly requestId: string;
  /** By `performance.now()`, in milliseconds. */
  readonly startedAt = performance.now();
  /** Set by the guard of @queued fields. */
  readonly pass: Pass | null = null;
  /** Most requests and nearly all subscriptions need neither, and a fork is kilobytes. */
  protected readonly made: { em?: EntityManager; loaders?: Loaders } = {};

  constructor(platform: Platform, caller: Caller | null, queueToken: string | undefined, requestId: string) {
    this.platform = platform;
    this.caller = caller;
    this.queueToken = queueToken;
    this.requestId = requestId;
  }

  /**
   * Whether the caller has been told already that it took too long. What has not begun by then must not begin: nobody
   * would know of its effect.
   */
  isOver(): boolean {
    return performance.now() - this.startedAt > MOST_REQUEST_MS;
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

export function makeContext(
  platform: Platform,
  caller: Caller | null,
  queueToken: string | undefined,
  requestId: string = randomUUID(),
): Context {
  return new Context(platform, caller, queueToken, requestId);
}

/** The same request, with a proof that the guard of a @queued field found. */
export function withPass(context: Context, pass: Pass): Context {
  return Object.create(context, { pass: { value: pass, enumerable: true } });
}

/** @throws CallerError UNAUTHENTICATED when nobody is signed in */
export function callerOf(context: Context): Caller {
  if (!context.caller) throw new CallerError('UNAUTHENTICATED');
  return context.caller;
}

/** Answers, in the order of the keys, what belongs to each of them, in a fixed number of SQL statements. */
export type Batch<V> = (context: Context, keys: readonly string[]) => Promise<readonly V[]>;

/** What `batch` answers for `key`; all that one request asks for in the same turn is asked at once. */
export function load<V>(context: Context, batch: Batch<V>, key: string): Promise<V> {
  let loader = context.loaders.get(batch);
  if (!loader) {
    loader = new DataLoader<string, unknown>((keys) => inTime(context, batch(context, keys)), { cache: false });
    context.loaders.set(batch, loader);
  }
  return loader.load(key) as Promise<V>;
}

export function isOver(context: Context): boolean {
  return context.isOver();
}

/** What is nested in an answer has what is left of the request's time, and a little where that is used up. */
async function inTime<V>(context: Context, answer: Promise<readonly V[]>): Promise<readonly V[]> {
  let timer: NodeJS.Timeout | undefined;
  const left = Math.max(MOST_REQUEST_MS - (performance.now() - context.startedAt), LEAST_NESTED_MS);
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new CallerError('SERVICE_UNAVAILABLE')), left);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
