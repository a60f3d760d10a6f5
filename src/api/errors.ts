import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { raiseFault } from '../alerts/raise-fault.ts';
import { isUnavailable } from '../platform/faults.ts';
import { newRequestId } from '../platform/ids.ts';
import type { Platform } from '../platform/platform.ts';
import { CallerError, ERRORS, type ErrorCode } from './problems.ts';

/** Codes of Apollo for requests that cannot be executed. */
const APOLLO_CODES = new Set([
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'OPERATION_RESOLUTION_FAILURE',
  'PERSISTED_QUERY_NOT_FOUND',
  'PERSISTED_QUERY_NOT_IN_LIST',
  'BAD_REQUEST',
  'BAD_USER_INPUT',
]);

/** Longest message of an error that repeats what was sent, in bytes of JSON. */
const MAX_MESSAGE_BYTES = 800;

/**
 * The error as the caller sees it: an error for callers (CallerError, or a request that cannot be executed) as it is,
 * an outage as SERVICE_UNAVAILABLE, and everything else masked and logged under the request's id.
 * @param error as execution reported it: what was thrown may be inside
 * @param formatted as it would be sent without this
 */
export function presentError(
  error: unknown,
  formatted: GraphQLFormattedError,
  requestId: string,
  platform: Platform,
): GraphQLFormattedError {
  const { log, config } = platform;
  const thrown = causeOf(error);
  const place = {
    ...(formatted.locations && { locations: formatted.locations }),
    ...(formatted.path && { path: formatted.path }),
  };
  if (thrown instanceof CallerError) {
    const { http: _http, ...extensions } = thrown.extensions;
    return { message: thrown.message, ...place, extensions };
  }
  const code = String(formatted.extensions?.code);
  if (APOLLO_CODES.has(code)) {
    const message = config.NODE_ENV === 'production' ? withoutHints(formatted.message) : formatted.message;
    const argument = formatted.extensions?.argument;
    return { message: bounded(message), ...place, extensions: { code, ...(argument !== undefined && { argument }) } };
  }
  const argument = refusedArgument(thrown);
  if (argument !== undefined) {
    return { message: bounded((thrown as Error).message), ...place, extensions: { code: 'BAD_USER_INPUT', argument } };
  }
  if (isUnavailable(thrown)) {
    log.warn({ requestId, error: String(thrown) }, 'a server that this process needs is unreachable or too slow');
    return masked('SERVICE_UNAVAILABLE', place);
  }
  log.error({ requestId, err: thrown, path: formatted.path }, 'a request failed through a fault of ours');
  raiseFault(platform, 'FAULT', 'A request failed through a fault of Onsale', thrown, requestId);
  return masked('INTERNAL_SERVER_ERROR', place, { requestId });
}

/** Errors that Apollo does not present. */
export function presentAll(
  platform: Platform,
  errors: readonly (GraphQLError | GraphQLFormattedError)[],
  requestId: string = newRequestId(),
): GraphQLFormattedError[] {
  return errors.map((error) => {
    const formatted = error instanceof GraphQLError ? error.toJSON() : error;
    return presentError(error, formatted, requestId, platform);
  });
}

/** The message, without its middle where it is long: its ends say what is wrong, and where. */
function bounded(message: string): string {
  let kept = message;
  for (let end = MAX_MESSAGE_BYTES / 2; !isShort(kept); end *= 0.8) {
    kept = `${message.slice(0, end)} [...] ${message.slice(-end)}`.toWellFormed();
  }
  return kept;
}

function isShort(message: string): boolean {
  return message.length <= MAX_MESSAGE_BYTES && Buffer.byteLength(JSON.stringify(message)) <= MAX_MESSAGE_BYTES;
}

/** Removes suggestions of schema names from a message: in production, guesses of names are not confirmed. */
function withoutHints(message: string): string {
  return message.replace(/ ?Did you mean .+\?$/, '');
}

function masked(code: ErrorCode, place: object, extensions: object = {}): GraphQLFormattedError {
  return { message: ERRORS[code], ...place, extensions: { code, ...extensions } };
}

/**
 * The argument that the executor itself refused, if it did: a null or missing variable where the argument has a default
 * passes validation, and is only found out when the field is reached.
 */
function refusedArgument(thrown: unknown): string | undefined {
  return thrown instanceof GraphQLError ? /^Argument "(\w+)" (?:of|has) /.exec(thrown.message)?.[1] : undefined;
}

/** The original error inside the errors that execution wraps around it. */
function causeOf(error: unknown): unknown {
  const inner = (error as GraphQLError | undefined)?.originalError;
  return inner && !(error instanceof CallerError) ? causeOf(inner) : error;
}
