import type { Platform } from '../platform/platform.ts';
import { HOUR } from '../platform/units.ts';
import { signAccessToken } from './access-token.ts';
import { Session } from './session.ts';
import type { User } from './user.ts';

const SESSION_MS = HOUR;

/** @returns a session of `user` with a new access token, valid for an hour */
export async function issueSession(platform: Platform, user: User): Promise<Session> {
  const expiresAt = new Date(Math.floor((Date.now() + SESSION_MS) / 1_000) * 1_000);
  const accessToken = await signAccessToken(platform, user, expiresAt);
  return Object.assign(new Session(), { accessToken, expiresAt, user });
}
