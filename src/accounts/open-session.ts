import type { Context } from '../api/context.ts';
import { run, type Verb } from '../commands/runner.ts';
import { newId } from '../platform/ids.ts';
import { signAccessToken } from './access-token.ts';
import { patient } from './hashing.ts';
import { forgetCookie, hashesOf, newCookie, sendCookie } from './remember-cookie.ts';
import { type CookieHashes, Session } from './session.ts';
import type { User } from './user.ts';

interface Opening {
  readonly user: User;
  /** Of the cookie that remembers the session; undefined for a session that is not remembered. */
  readonly hashes: CookieHashes | undefined;
}

const OPEN_SESSION: Verb<Opening, Session> = {
  name: 'openSession',
  contends: ({ user }) => [`user:${user.id}`],
  locks: () => ({}),

  decide({ asked: { user, hashes } }, scene) {
    const session = Object.assign(new Session(), {
      id: newId(),
      userId: user.id,
      // What ends all sessions between the check of the password and now ends this one too.
      version: user.sessionVersion,
      createdAt: scene.now,
      lastsUntil: scene.now,
      endedAt: null,
      series: hashes?.series ?? null,
      cookie: hashes?.cookie ?? null,
      previousCookie: null,
      rotatedAt: null,
    });
    session.prolong(scene.now);
    scene.insert(session);
    return session;
  },
};

/**
 * Opens a session of a user who has shown to be that user, which may have taken longer than requests last.
 * @param user as the row was when that was found true
 * @param input whether the browser gets a cookie that remembers the session; else it forgets the one that it has
 * @returns the session, with an access token that is valid for an hour
 */
export async function openSession(
  context: Context,
  user: User,
  { remember }: { readonly remember: boolean },
): Promise<Session> {
  const cookie = remember ? newCookie() : undefined;
  const session = await run(patient(context), OPEN_SESSION, { user, hashes: cookie && hashesOf(cookie) });
  if (cookie) sendCookie(context, cookie);
  else forgetCookie(context);
  context.noteSignIn(user.id);
  return signAccessToken(context.platform, session, user);
}
