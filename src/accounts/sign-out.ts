import type { Context } from '../api/context.ts';
import { CallerError } from '../api/problems.ts';
import { rowsOf, SESSIONS } from '../commands/lock-order.ts';
import { run, type Verb } from '../commands/runner.ts';
import { announceEnding } from './endings.ts';
import { sessionOf } from './refuse-foreign.ts';
import { forgetCookie } from './remember-cookie.ts';

const SIGN_OUT: Verb<{ readonly userId: string; readonly sessionId: string }, true> = {
  name: 'signOut',
  contends: ({ sessionId }) => [`session:${sessionId}`],
  locks: ({ sessionId }) => ({ rows: [rowsOf(SESSIONS, [sessionId])] }),

  decide({ asked }, scene) {
    const session = scene.find(SESSIONS, asked.sessionId);
    if (!session) throw new CallerError('UNAUTHENTICATED');
    session.end(scene.now);
    scene.after(async () => announceEnding(scene.platform, asked));
    return true;
  },
};

/**
 * Ends the session of the caller's access token, and with it its cookie, sockets and streams.
 * @throws CallerError FORBIDDEN when an identity provider keeps the sessions
 */
export async function signOut(context: Context): Promise<true> {
  await run(context, SIGN_OUT, sessionOf(context));
  forgetCookie(context);
  return true;
}
