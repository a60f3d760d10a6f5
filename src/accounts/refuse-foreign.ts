import { type Context, callerOf } from '../api/context.ts';
import { CallerError } from '../api/problems.ts';

/** @throws CallerError FORBIDDEN when an identity provider keeps the accounts */
export function refuseForeign({ platform }: Pick<Context, 'platform'>): void {
  if (platform.config.AUTH_JWKS_URL) throw foreign();
}

/**
 * @returns the session of the caller's access token
 * @throws CallerError UNAUTHENTICATED without a caller; FORBIDDEN when an identity provider keeps the sessions
 */
export function sessionOf(context: Context): { readonly userId: string; readonly sessionId: string } {
  const { id: userId, sessionId } = callerOf(context);
  if (sessionId === null) throw foreign();
  return { userId, sessionId };
}

function foreign(): CallerError {
  return new CallerError('FORBIDDEN', 'Accounts are kept by the identity provider.');
}
