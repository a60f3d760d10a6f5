import { OptimisticLockError } from '@mikro-orm/core';

/** A server that this process needs is too busy at the moment; the caller may try again. */
export class Unavailable extends Error {}

/** PostgreSQL's SQLSTATE, or the code of a socket error, of `error` or of what caused it. */
export function codeOf(error: unknown): string | undefined {
  for (let e = error; e instanceof Error; e = e.cause) {
    const code = (e as { code?: unknown }).code;
    if (typeof code === 'string') return code;
  }
  return undefined;
}

/**
 * Whether the same transaction may succeed when run again: a serialisation failure, a deadlock, a lost version check.
 */
export function isConflict(error: unknown): boolean {
  const code = codeOf(error);
  return error instanceof OptimisticLockError || code === '40001' || code === '40P01';
}

/** Whether a lock could not be taken within lock_timeout. */
export function isLockedOut(error: unknown): boolean {
  return codeOf(error) === '55P03';
}

/** Whether `error` breaks the named unique or check constraint. */
export function breaksConstraint(error: unknown, constraint: string): boolean {
  for (let e = error; e instanceof Error; e = e.cause) {
    if ((e as { constraint?: unknown }).constraint === constraint) return true;
  }
  return false;
}

const AWAY_CODES =
  /^(08...|53...|57P0[1-5]|57014|55P03|25P0[34]|ECONN(REFUSED|RESET|ABORTED)|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)$/;
const AWAY_MESSAGES =
  /timeout exceeded when trying to connect|Query read timeout|Connection terminated|is not queryable|Connection is closed|Command timed out|Stream isn't writeable|max retries per request|Cannot use a pool after|^(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|OOM|MISCONF|BUSY) /;

/** Whether a server that this process needs is unreachable or overloaded: the same request may be sent again. */
export function isUnavailable(error: unknown): boolean {
  if (isConflict(error) || error instanceof Unavailable) return true;
  for (let e = error; e instanceof Error; e = e.cause) {
    const code = (e as { code?: unknown }).code;
    if (typeof code === 'string' && AWAY_CODES.test(code)) return true;
    if (AWAY_MESSAGES.test(e.message) || e.name === 'MaxRetriesPerRequestError') return true;
    if (e instanceof AggregateError && e.errors.some(isUnavailable)) return true;
  }
  return false;
}
