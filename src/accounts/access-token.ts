import { jwtVerify, SignJWT } from 'jose';
import type { Caller } from '../api/context.ts';
import { parseId } from '../platform/ids.ts';
import type { Platform } from '../platform/platform.ts';
import { type Session, TOKEN_MS } from './session.ts';
import { signingSecret } from './signing-secret.ts';
import type { User } from './user.ts';

const ALGORITHM = 'HS256';
const ISSUER = 'onsale';

/**
 * Gives a session a new access token, valid for an hour: a JWT (RFC 7519) that names the user, the role, and the session
 * with its version.
 * @param user whose session it is, as the row was when the session was found good
 */
export async function signAccessToken(platform: Platform, session: Session, user: User): Promise<Session> {
  const expiresAt = new Date(Math.floor((Date.now() + TOKEN_MS) / 1_000) * 1_000);
  const accessToken = await new SignJWT({ role: user.role, sid: session.id, ver: session.version })
    .setProtectedHeader({ alg: ALGORITHM })
    .setSubject(user.id)
    .setIssuer(platform.config.AUTH_ISSUER ?? ISSUER)
    .setAudience(platform.config.AUTH_AUDIENCE ?? ISSUER)
    .setIssuedAt()
    .setExpirationTime(expiresAt)
    .sign(await signingSecret(platform)());
  return Object.assign(session, { accessToken, expiresAt, user });
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
    requiredClaims: ['exp', 'sub', 'sid', 'ver'],
  }).catch(() => undefined);
  const { sub, role, exp, sid, ver: version } = verified?.payload ?? {};
  const id = sub && parseId(sub);
  const sessionId = typeof sid === 'string' && parseId(sid);
  if (!id || !exp || !sessionId || typeof version !== 'number') return undefined;
  if (role !== 'BUYER' && role !== 'OPERATOR') return undefined;
  return { id, role, until: exp * 1_000, sessionId, version };
}
