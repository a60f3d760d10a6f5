import type { Context } from '../api/context.ts';
import { rowsOf, USERS, userLock } from '../commands/lock-order.ts';
import { run, type Scene, type Verb } from '../commands/runner.ts';
import { announceEnding } from './endings.ts';
import { sessionOf } from './refuse-foreign.ts';
import { forgetCookie } from './remember-cookie.ts';
import type { User } from './user.ts';

const SIGN_OUT_EVERYWHERE: Verb<{ readonly userId: string }, true> = {
  name: 'signOutEverywhere',
  contends: ({ userId }) => [`user:${userId}`],
  locks: ({ userId }) => ({ exclusive: [userLock(userId)], rows: [rowsOf(USERS, [userId])] }),

  decide({ asked: { userId } }, scene) {
    endSessions(scene.get(USERS, userId), scene);
    return true;
  },
};

/**
 * Ends all sessions of the caller, that of the access token too, with their cookies, sockets and streams.
 * @throws CallerError FORBIDDEN when an identity provider keeps the sessions
 */
export async function signOutEverywhere(context: Context): Promise<true> {
  await run(context, SIGN_OUT_EVERYWHERE, { userId: sessionOf(context).userId });
  forgetCookie(context);
  return true;
}

/** Ends all sessions of a user; every process learns of it after the commit. The user's lock must be held in `scene`. */
export function endSessions(user: User, scene: Scene): void {
  user.endSessions(scene.now);
  const { id: userId, sessionVersion: version } = user;
  scene.after(async () => announceEnding(scene.platform, { userId, version }));
}
