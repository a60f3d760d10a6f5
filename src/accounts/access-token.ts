import { jwtVerify, SignJWT } from 'jose';
import type { Caller } from '../api/context.ts';
import { parseId } from '../platform/ids.ts';
import type { Platform } from '../platform/platform.ts';
import { signingSecret } from './signing-secret.ts';
import type { User } from './user.ts';

const ALGORITHM = 'HS256';
const ISSUER = 'onsale';

/** @returns a JWT (RFC 7519) that names the user and the role and is valid until `expiresAt` */
export async function signAccessToken(platform: Platform, user: User, expiresAt: Date): Promise<string> {
  return new SignJWT({ role: user.role })
    .setProtectedHeader({ alg: ALGORITHM })
    .setSubject(user.id)
    .setIssuer(platform.config.AUTH_ISSUER ?? ISSUER)
    .setAudience(platform.config.AUTH_AUDIENCE ?? ISSUER)
    .setIssuedAt()
    .setExpirationTime(expiresAt)
    .sign(await signingSecret(platform)());
}

/**
 * @returns the user that the token names; undefined unless this server signed it, for this audience, and it is valid
 * now
 */
export async function readAccessToken(platform: Platform, token: string): Promise<Caller | undefined> {
  const secret = await signingSecret(platform)();
  const verified = await jwtVerify(token, secret, {
    algorithms: [ALGORITHM],
    issuer: platform.config.AUTH_ISSUER ?? ISSUER,
    audience: platform.config.AUTH_AUDIENCE ?? ISSUER,
    requiredClaims: ['exp', 'sub'],
  }).catch(() => undefined);
  const { sub, role, exp } = verified?.payload ?? {};
  const id = sub && parseId(sub);
  if (!id || !exp || (role !== 'BUYER' && role !== 'OPERATOR')) return undefined;
  return { id, role, until: exp * 1_000 };
}
