import type { Caller } from '../api/context.ts';
import { CallerError } from '../api/problems.ts';
import { type Platform, perProcess } from '../platform/platform.ts';
import { readAccessToken } from './access-token.ts';
import { readForeignToken } from './foreign-token.ts';

/** Verified tokens that one process remembers at most: verifying one costs as much as answering a small query. */
const MOST_REMEMBERED = 100_000;

const remembered = perProcess(() => new Map<string, Caller>());

/**
 * Reads `authorization: Bearer <accessToken>`.
 * @param header as it came; undefined when there was none
 * @returns null without a header
 * @throws CallerError UNAUTHENTICATED for a header of another form and for a token that is forged, foreign or over
 */
export async function authenticate(platform: Platform, header: unknown): Promise<Caller | null> {
  if (header === undefined || header === null) return null;
  const token = tokenIn(header);
  const caller = token && (await callerBehind(platform, token));
  if (!caller || caller.until <= Date.now()) throw unauthenticated();
  return caller;
}

/** Who that header names, where it was verified before; null without a header, undefined when it must be read. */
export function recallCaller(platform: Platform, header: unknown): Caller | null | undefined {
  if (header === undefined) return null;
  const token = tokenIn(header);
  const caller = token === undefined ? undefined : remembered(platform).get(token);
  return caller && caller.until > Date.now() ? caller : undefined;
}

function tokenIn(header: unknown): string | undefined {
  return typeof header === 'string' ? /^Bearer +([\w.~+/-]+=*)$/i.exec(header)?.[1] : undefined;
}

async function callerBehind(platform: Platform, token: string): Promise<Caller | undefined> {
  const known = remembered(platform).get(token);
  if (known) return known;
  const read = platform.config.AUTH_JWKS_URL ? readForeignToken : readAccessToken;
  const caller = await read(platform, token);
  if (caller) remember(remembered(platform), token, caller);
  return caller;
}

function remember(callers: Map<string, Caller>, token: string, caller: Caller): void {
  if (callers.size >= MOST_REMEMBERED) {
    const oldest = callers.keys().next().value;
    if (oldest !== undefined) callers.delete(oldest);
  }
  callers.set(token, caller);
}

/** Over HTTP the status tells it too. */
function unauthenticated(): CallerError {
  return new CallerError('UNAUTHENTICATED', undefined, { http: { status: 401 } });
}
