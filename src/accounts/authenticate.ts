import { LRUCache } from 'lru-cache';
import type { Caller } from '../api/context.ts';
import { CallerError } from '../api/problems.ts';
import { type Platform, perProcess } from '../platform/platform.ts';
import { readAccessToken } from './access-token.ts';
import { CALLER_CACHE, hasEnded } from './endings.ts';
import { readForeignToken } from './foreign-token.ts';

/** By token: verifying one costs as much as answering a small query. */
const callers = perProcess(() => new LRUCache<string, Caller>(CALLER_CACHE));

/**
 * Reads `authorization: Bearer <accessToken>`.
 * @param header its value in the request; undefined without one
 * @returns the caller; null without a header
 * @throws CallerError UNAUTHENTICATED for a header of another form, and for a token that is forged, foreign or expired, or
 * whose session has ended
 */
export async function authenticate(platform: Platform, header: unknown): Promise<Caller | null> {
  if (header === undefined || header === null) return null;
  const known = recallCaller(platform, header);
  if (known) return known;
  const token = tokenIn(header);
  const read = platform.config.AUTH_JWKS_URL ? readForeignToken : readAccessToken;
  const caller = token && (await read(platform, token));
  if (!token || !caller || !isGood(platform, caller)) throw unauthenticated();
  callers(platform).set(token, caller);
  return caller;
}

/**
 * Asks no server.
 * @returns the caller that a header verified before names; null without a header; undefined when `authenticate` must
 * run
 */
export function recallCaller(platform: Platform, header: unknown): Caller | null | undefined {
  if (header === undefined) return null;
  const token = tokenIn(header);
  const caller = token === undefined ? undefined : callers(platform).get(token);
  return caller && isGood(platform, caller) ? caller : undefined;
}

function isGood(platform: Platform, caller: Caller): boolean {
  return caller.until > Date.now() && !hasEnded(platform, caller);
}

function tokenIn(header: unknown): string | undefined {
  return typeof header === 'string' ? /^Bearer +([\w.~+/-]+=*)$/i.exec(header)?.[1] : undefined;
}

/** The error UNAUTHENTICATED, which over HTTP also sets the status 401. */
function unauthenticated(): CallerError {
  return new CallerError('UNAUTHENTICATED', undefined, { http: { status: 401 } });
}
