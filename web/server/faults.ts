import { CombinedGraphQLErrors } from '@apollo/client/errors';

/** The codes of errors that the head of the schema lists, and two that are made here. */
export const ERROR_CODES = [
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'NOT_FOUND',
  'BAD_USER_INPUT',
  'QUEUE_TOKEN_REQUIRED',
  'RATE_LIMITED',
  'SERVICE_UNAVAILABLE',
  'INTERNAL_SERVER_ERROR',
  /** No answer came. */
  'OFFLINE',
  /** Any other code. */
  'UNKNOWN',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** What went wrong with a request, as the pages show it. */
export interface Fault {
  readonly code: ErrorCode;
  /** What the server says, for errors of input. */
  readonly message: string;
  /** Path of the argument that is wrong, such as input.name. */
  readonly argument?: string;
  /** Milliseconds after which it can be asked again. */
  readonly retryAfterMs?: number;
  /** Names a fault of the server in its log. */
  readonly requestId?: string;
}

/** Reads what Apollo Client throws or answers as `error`. */
export function faultOf(error: unknown): Fault {
  if (!CombinedGraphQLErrors.is(error)) return { code: 'OFFLINE', message: '' };
  const [{ message, extensions = {} } = { message: '' }] = error.errors;
  const code = ERROR_CODES.find((known) => known === extensions.code) ?? 'UNKNOWN';
  return { ...extensions, code, message };
}

/** What is wrong with the fields of a form, by the last name of the argument: `name` for input.name. */
export function errorsOf(error: unknown): Record<string, string> {
  if (!CombinedGraphQLErrors.is(error)) return {};
  const { code, argument, message } = faultOf(error);
  const name = argument?.split('.').at(-1);
  return code === 'BAD_USER_INPUT' && name ? { [name]: message } : {};
}
