import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import type { Caller, Role } from '../api/context.ts';
import { CallerError } from '../api/problems.ts';
import { forkOf, type Platform, perProcess } from '../platform/platform.ts';
import { SECOND } from '../platform/units.ts';
import { createUser } from './create-user.ts';
import { CALLER_CACHE, hasEnded } from './endings.ts';
import { User } from './user.ts';

interface Provider {
  readonly keys: ReturnType<typeof createRemoteJWKSet>;
  /** By issuer and subject. */
  readonly userIds: LRUCache<string, string>;
}

const providerOf: (platform: Platform) => Provider = perProcess(({ config }) => ({
  keys: createRemoteJWKSet(new URL(config.AUTH_JWKS_URL ?? ''), { timeoutDuration: 2 * SECOND }),
  userIds: new LRUCache(CALLER_CACHE),
}));

/**
 * Reads an identity provider's token. The first request of a user creates the user's row.
 * @returns the caller; undefined unless a key of AUTH_JWKS_URL signed the token and AUTH_ISSUER and AUTH_AUDIENCE,
 * where set, match
 * @throws CallerError SERVICE_UNAVAILABLE when the keys cannot be read
 */
export async function readForeignToken(platform: Platform, token: string): Promise<Caller | undefined> {
  const { AUTH_ISSUER, AUTH_AUDIENCE, AUTH_ROLE_CLAIM } = platform.config;
  const claims = await verify(platform, token, {
    ...(AUTH_ISSUER && { issuer: AUTH_ISSUER }),
    ...(AUTH_AUDIENCE && { audience: AUTH_AUDIENCE }),
  });
  if (!claims?.exp || !isKeepable(claims.iss) || !isKeepable(claims.sub)) return undefined;
  const id = await userIdOf(platform, claims.iss, claims.sub, claims);
  return { ...ofUser(id), role: roleOf(claims[AUTH_ROLE_CLAIM]), until: claims.exp * 1_000 };
}

async function verify(
  platform: Platform,
  token: string,
  expected: { issuer?: string; audience?: string },
): Promise<JWTPayload | undefined> {
  try {
    const options = { ...expected, requiredClaims: ['exp', 'sub', 'iss'] };
    return (await jwtVerify(token, providerOf(platform).keys, options)).payload;
  } catch (error) {
    if (isOfTheKeys(error)) throw new CallerError('SERVICE_UNAVAILABLE', undefined, { http: { status: 503 } });
    return undefined;
  }
}

/**
 * Whether the keys could not be fetched or parsed; jose reports a wrong status and broken JSON by a plain JOSEError.
 */
function isOfTheKeys(error: unknown): boolean {
  const { JOSEError, JWKSInvalid, JWKSTimeout } = errors;
  if (!(error instanceof JOSEError)) return true;
  return error.code === JOSEError.code || error instanceof JWKSInvalid || error instanceof JWKSTimeout;
}

/** Whether a claim can be stored: OpenID Connect limits `sub` to 255 characters, and PostgreSQL cannot store NUL. */
function isKeepable(claim: unknown): claim is string {
  return typeof claim === 'string' && /^[^\0]{1,255}$/u.test(claim) && claim.isWellFormed();
}

/** What is known of a session that the identity provider keeps: that it is of the first version of its user. */
function ofUser(id: string): Pick<Caller, 'id' | 'sessionId' | 'version'> {
  return { id, sessionId: null, version: 0 };
}

async function userIdOf(platform: Platform, issuer: string, subject: string, claims: JWTPayload): Promise<string> {
  const { userIds } = providerOf(platform);
  const known = userIds.get(JSON.stringify([issuer, subject]));
  // Who has deleted the account and comes back is somebody new.
  if (known && !hasEnded(platform, ofUser(known))) return known;
  const em = forkOf(platform);
  const find = async (): Promise<string | undefined> => {
    return (await em.findOne(User, { issuer, subject }, { disableIdentityMap: true }))?.id;
  };
  const name = nameFrom(claims, subject);
  const id =
    (await find()) ??
    (await createUser({ platform, isOver: () => false }, { name, role: 'BUYER', foreign: { issuer, subject } }))?.id ??
    (await find());
  if (!id) throw new Error('a user of the identity provider could not be made');
  userIds.set(JSON.stringify([issuer, subject]), id);
  return id;
}

/** The provider's name of the user, in a form that can be stored; names of foreign users need not be unique. */
function nameFrom({ preferred_username, name }: JWTPayload, subject: string): string {
  const called = [preferred_username, name].find((claim) => typeof claim === 'string' && claim.trim() !== '');
  const shown = String(called ?? subject)
    .toWellFormed()
    .replaceAll(/\p{Cc}/gu, ' ');
  return [...shown].slice(0, 40).join('');
}

function roleOf(claim: unknown): Role {
  const roles = (Array.isArray(claim) ? claim : [claim]).map((role) => String(role).toUpperCase());
  return roles.includes('OPERATOR') ? 'OPERATOR' : 'BUYER';
}
