import type { FastifyInstance, FastifyReply } from 'fastify';
import type { DocumentNode, OperationDefinitionNode } from 'graphql';
import { authenticate } from '../accounts/authenticate.ts';
import { boundConnections, isReserved, mostConnections } from '../platform/connections.ts';
import type { Platform } from '../platform/platform.ts';
import { isBusy } from '../platform/pressure.ts';
import { SECOND } from '../platform/units.ts';
import type { Caller } from './context.ts';
import { tooMany } from './limits.ts';
import type { CallerError } from './problems.ts';
import { rootFieldsOf } from './root-fields.ts';

/** Who is sent away comes back after 1 s to 3 s, at random, so that they do not all come back at once. */
const MIN_RETRY_MS = 1 * SECOND;
const MAX_RETRY_MS = 3 * SECOND;

/** What leads out of being anonymous is served as long as there is room; it has limits of its own. */
const SIGNING_IN = new Set(['signIn', 'signUp', 'renewSession']);

const UNAVAILABLE = 503;

/**
 * Sheds the load of who is not signed in while this process is busy, so that those who are signed in get their answers in
 * time.
 * @param operation what is asked for; undefined where it could not be read
 * @returns the error RATE_LIMITED with the status 429; undefined where the request is to be served
 */
export function shedAnonymous(
  platform: Platform,
  caller: Caller | null,
  document?: DocumentNode,
  operation?: OperationDefinitionNode | null,
): CallerError | undefined {
  if (caller || !isBusy(platform)) return undefined;
  const isSigningIn =
    document && operation && rootFieldsOf(document, operation).every((field) => SIGNING_IN.has(field));
  if (isSigningIn) return undefined;
  const retryAfterMs = Math.round(MIN_RETRY_MS + Math.random() * (MAX_RETRY_MS - MIN_RETRY_MS));
  return tooMany('The server is busy; ask again after retryAfterMs.', retryAfterMs, { http: { status: 429 } });
}

/**
 * As `shedAnonymous`, before the document is read, because reading it may be what costs most: for all but a document
 * whose text may be a sign-in, which is judged when it has been read.
 */
export function shedUnread(platform: Platform, text: string | undefined): CallerError | undefined {
  const maySignIn = [...SIGNING_IN].some((field) => text?.includes(field));
  return maySignIn ? undefined : shedAnonymous(platform, null);
}

/**
 * Bounds the connections of the process; of the reserve, the last ones, it serves health and operators alone. Others are
 * answered 503 without being read, and closed.
 */
export function keepReserve(http: FastifyInstance, platform: Platform): void {
  boundConnections(http.server, mostConnections(platform));
  http.addHook('onRequest', ({ raw, url, headers }, reply, done) => {
    if (!isReserved(raw.socket)) return done();
    if (url.startsWith('/health/')) {
      void reply.header('connection', 'close');
      return done();
    }
    void authenticate(platform, headers.authorization)
      .catch(() => null)
      .then((caller) => {
        if (caller?.role === 'OPERATOR') done();
        else sendAway(reply);
      });
  });
}

function sendAway(reply: FastifyReply): void {
  const extensions = { code: 'RATE_LIMITED', retryAfterMs: MIN_RETRY_MS };
  void reply
    .code(UNAVAILABLE)
    .headers({ connection: 'close', 'retry-after': MIN_RETRY_MS / SECOND })
    .send({ errors: [{ message: 'This process has no connection left; ask again after retryAfterMs.', extensions }] });
}
