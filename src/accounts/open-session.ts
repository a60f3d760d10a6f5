import type { Context } from '../api/context.ts';
import { rowsOf, SESSIONS } from '../commands/lock-order.ts';
import { run, type Verb } from '../commands/runner.ts';
import { newId } from '../platform/ids.ts';
import { forkOf } from '../platform/platform.ts';
import { signAccessToken } from './access-token.ts';
import { announceEnding } from './endings.ts';
import { patient } from './hashing.ts';
import { forgetCookie, hashesOf, newCookie, readCookie, sendCookie } from './remember-cookie.ts';
import { type CookieHashes, Session } from './session.ts';
import type { User } from './user.ts';

interface Opening {
  readonly user: User;
  /** Of the cookie that remembers the session; undefined for a session that is not remembered. */
  readonly hashes: CookieHashes | undefined;
  /** Series of the cookie that the browser had, as in `CookieHashes`; undefined without one. */
  readonly replaced: string | undefined;
}

/** `Known` is the id of the session whose cookie is replaced; undefined for none. */
const OPEN_SESSION: Verb<Opening, Session, string | undefined> = {
  name: 'openSession',
  contends: ({ user, replaced }) => [`user:${user.id}`, ...(replaced === undefined ? [] : [`series:${replaced}`])],

  async prepare(platform, openings) {
    const series = openings.flatMap(({ replaced }) => replaced ?? []);
    const sessions =
      series.length > 0
        ? await forkOf(platform).find(Session, { series: { $in: series } }, { disableIdentityMap: true })
        : [];
    return openings.map(({ replaced }) => ({ known: sessions.find((session) => session.series === replaced)?.id }));
  },

  locks: (_asked, known) => ({ rows: [rowsOf(SESSIONS, known === undefined ? [] : [known])] }),

  decide({ asked: { user, hashes }, known }, scene) {
    const before = known === undefined ? undefined : scene.find(SESSIONS, known);
    if (before) {
      before.end(scene.now);
      scene.after(async () => announceEnding(scene.platform, { userId: before.userId, sessionId: before.id }));
    }
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
 * Opens a session of a user who has shown to be that user, which may have taken longer than requests last. The session
 * of the cookie that the browser had ends.
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
  const had = readCookie(context);
  const asked = { user, hashes: cookie && hashesOf(cookie), replaced: had && hashesOf(had).series };
  const session = await run(patient(context), OPEN_SESSION, asked);
  if (cookie) sendCookie(context, cookie);
  else forgetCookie(context);
  context.noteSignIn(user.id);
  return signAccessToken(context.platform, session, user);
}
