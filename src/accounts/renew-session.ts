import type { Context } from '../api/context.ts';
import { CallerError } from '../api/problems.ts';
import { rowsOf, SESSIONS } from '../commands/lock-order.ts';
import { run, type Verb } from '../commands/runner.ts';
import { forkOf } from '../platform/platform.ts';
import { signAccessToken } from './access-token.ts';
import { announceEnding } from './endings.ts';
import { sessionOf } from './refuse-foreign.ts';
import { cookieAfter, forgetCookie, hashesOf, readCookie, sendCookie } from './remember-cookie.ts';
import { type CookieHashes, Session } from './session.ts';
import { User } from './user.ts';

/** A session by the id in its access token, or by its cookie. */
type Renewal =
  | { readonly sessionId: string }
  | {
      readonly hashes: CookieHashes;
      /** SHA-256 of the part that changes, of the cookie after it. */
      readonly next: string;
    };

interface Renewed {
  readonly session: Session;
  readonly user: User;
}

/** Why a session is not renewed: it is unknown or has ended; or its cookie was used up before, by whom nobody can tell. */
type Refused = 'OVER' | 'USED_TWICE';

const RENEW_SESSION: Verb<Renewal, Renewed | Refused, Session, User> = {
  name: 'renewSession',
  contends: (asked) => ['sessionId' in asked ? `session:${asked.sessionId}` : `series:${asked.hashes.series}`],

  async prepare(platform, renewals) {
    const ids = renewals.flatMap((asked) => ('sessionId' in asked ? asked.sessionId : []));
    const series = renewals.flatMap((asked) => ('hashes' in asked ? asked.hashes.series : []));
    const where = { $or: [{ id: { $in: ids } }, { series: { $in: series } }] };
    const sessions = await forkOf(platform).find(Session, where, { disableIdentityMap: true });
    return renewals.map((asked) => {
      const known = sessions.find((session) =>
        'sessionId' in asked ? session.id === asked.sessionId : session.series === asked.hashes.series,
      );
      return known ? { known } : { answer: 'OVER' };
    });
  },

  locks: (_asked, { id }) => ({ rows: [rowsOf(SESSIONS, [id])] }),

  async facts(em, items) {
    const ids = items.map(({ known }) => known.userId);
    const users = await em.find(User, { id: { $in: ids } }, { disableIdentityMap: true });
    return ids.map((id) => users.find((user) => user.id === id) as User);
  },

  decide({ asked, known, facts: user }, scene) {
    const session = scene.find(SESSIONS, known.id);
    if (!session || session.isOver(user, scene.now)) return 'OVER';
    if ('hashes' in asked && !session.rotate(asked.hashes.cookie, asked.next, scene.now)) {
      session.end(scene.now);
      scene.after(async () => announceEnding(scene.platform, { userId: user.id, sessionId: session.id }));
      return 'USED_TWICE';
    }
    session.prolong(scene.now);
    return { session, user };
  },
};

/**
 * Goes on with the session of the caller's access token; without one, with that of the cookie, which is used up: the
 * answer brings the next one. A cookie that was used up more than 30 s ago has been stolen, by the one who used it or by
 * the one who comes now: its session ends.
 * @returns the session with a new access token
 * @throws CallerError UNAUTHENTICATED without either, and for a session that has ended: the browser forgets its cookie
 */
export async function renewSession(context: Context): Promise<Session> {
  if (!context.caller) return renewByCookie(context);
  const renewed = await run(context, RENEW_SESSION, { sessionId: sessionOf(context).sessionId });
  if (typeof renewed === 'string') throw new CallerError('UNAUTHENTICATED');
  return signAccessToken(context.platform, renewed.session, renewed.user);
}

async function renewByCookie(context: Context): Promise<Session> {
  const { platform, requestId } = context;
  const cookie = readCookie(context);
  const next = cookie && (await cookieAfter(platform, cookie));
  const renewed: Renewed | Refused =
    cookie && next
      ? await run(context, RENEW_SESSION, { hashes: hashesOf(cookie), next: hashesOf(next).cookie })
      : 'OVER';
  if (typeof renewed !== 'string' && next) {
    const session = await signAccessToken(platform, renewed.session, renewed.user);
    sendCookie(context, next);
    context.noteSignIn(renewed.user.id);
    return session;
  }
  if (cookie) platform.log.warn({ requestId, cookie: renewed }, 'the cookie of a session was refused');
  forgetCookie(context);
  throw new CallerError('UNAUTHENTICATED');
}
