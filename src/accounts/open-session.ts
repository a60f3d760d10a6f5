import type { Context } from '../api/context.ts';
import { rowsOf, SESSIONS } from '../commands/lock-order.ts';
import { run, type Verb } from '../commands/runner.ts';
import { newId } from '../platform/ids.ts';
import { forkOf } from '../platform/platform.ts';
import { NOW_ONCE, sql } from '../platform/postgres.ts';
import { signAccessToken } from './access-token.ts';
import { announceEnding } from './endings.ts';
import { patient } from './hashing.ts';
import { forgetCookie, hashesOf, newCookie, readCookie, sendCookie } from './remember-cookie.ts';
import { type CookieHashes, MAX_SESSIONS, Session } from './session.ts';
import type { User } from './user.ts';

interface Opening {
  readonly user: User;
  /** Of the cookie that remembers the session; undefined for a session that is not remembered. */
  readonly hashes: CookieHashes | undefined;
  /** Series of the cookie that the browser had, as in `CookieHashes`; undefined without one. */
  readonly replaced: string | undefined;
}

/** `Known` is the ids of the sessions that end: of the cookie that is replaced, and the oldest beyond MAX_SESSIONS. */
const OPEN_SESSION: Verb<Opening, Session, readonly string[]> = {
  name: 'openSession',
  contends: ({ user, replaced }) => [`user:${user.id}`, ...(replaced === undefined ? [] : [`series:${replaced}`])],

  async prepare(platform, openings) {
    const rows = await sql<{ ending: string[] }>(
      forkOf(platform),
      `select array(
         (select id from session where series = decode(o.series, 'hex'))
         union
         (select id from session where user_id = o.user_id and version = o.version and ended_at is null
            and lasts_until > ${NOW_ONCE} order by id desc offset $4 limit $4)
       ) as ending
       from unnest($1::uuid[], $2::int[], $3::text[]) with ordinality as o (user_id, version, series, n) order by o.n`,
      [
        openings.map(({ user }) => user.id),
        openings.map(({ user }) => user.sessionVersion),
        openings.map(({ replaced }) => replaced ?? null),
        MAX_SESSIONS - 1,
      ],
    );
    return rows.map(({ ending }) => ({ known: ending }));
  },

  locks: (_asked, known) => ({ rows: [rowsOf(SESSIONS, known)] }),

  decide({ asked: { user, hashes }, known }, scene) {
    for (const id of known) {
      const before = scene.find(SESSIONS, id);
      if (!before) continue;
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
 * of the cookie that the browser had ends, and so do the oldest sessions of the user beyond MAX_SESSIONS.
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
