import type { FastifyRequest } from 'fastify';
import { type GraphQLError, getOperationAST, OperationTypeNode } from 'graphql';
import { hasCookie } from '../accounts/remember-cookie.ts';
import type { Documents } from './compiled.ts';
import type { Declared } from './context.ts';
import { badRequest } from './problems.ts';
import { rootFieldsOf } from './root-fields.ts';

/** Content types that a page may send to another origin without asking first, as may a request without any. */
const SIMPLE_TYPES = ['application/x-www-form-urlencoded', 'multipart/form-data', 'text/plain'];

/** Headers that a page cannot send to another origin without asking first. */
const PREFLIGHT_HEADERS = ['apollo-require-preflight', 'x-apollo-operation-name'];

/**
 * Refuses a request that a page of any origin can have the browser of its visitor send, because the visitor may be known
 * by it. Without credentials a GET of public fields is served: it does nothing, and answers everybody the same.
 * @param asked the document and the operation that the request names, as far as they could be read
 * @returns the error BAD_REQUEST; undefined where the request may be served
 */
export function crossSiteFault(
  documents: Documents,
  request: FastifyRequest,
  asked: { readonly query?: unknown; readonly operationName?: unknown } | undefined,
): GraphQLError | undefined {
  if (!isSimple(request)) return undefined;
  const isServed = request.method === 'GET' && !hasCredentials(request) && !asksBeyondPublic(documents, asked);
  return isServed ? undefined : badRequest(REFUSED);
}

const REFUSED = `Any page could have a browser send this request: send it by POST with the content type application/json, or with a value in the header ${PREFLIGHT_HEADERS[0]}. A GET needs neither when all its root fields are public and it has no authorization, cookie or x-queue-token.`;

/** Whether a browser sends such a request to another origin without asking first. */
function isSimple({ headers }: FastifyRequest): boolean {
  const type = headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  return (type === undefined || SIMPLE_TYPES.includes(type)) && !PREFLIGHT_HEADERS.some((name) => headers[name]);
}

function hasCredentials({ headers }: FastifyRequest): boolean {
  return headers.authorization !== undefined || headers['x-queue-token'] !== undefined || hasCookie(headers.cookie);
}

/** Whether a query has root fields that are not public. What is no query, or cannot be read, is refused by its own error. */
function asksBeyondPublic(
  documents: Documents,
  asked: { readonly query?: unknown; readonly operationName?: unknown } = {},
): boolean {
  const known = typeof asked.query === 'string' ? documents.read(asked.query) : undefined;
  if (!known || !('document' in known)) return false;
  const name = typeof asked.operationName === 'string' ? asked.operationName : undefined;
  const operation = getOperationAST(known.document, name);
  if (operation?.operation !== OperationTypeNode.QUERY) return false;
  return !rootFieldsOf(known.document, operation).every((field) => isPublic(documents, field));
}

function isPublic({ schema }: Documents, name: string): boolean {
  if (name.startsWith('__')) return true;
  const { isPublic: declared } = (schema.getQueryType()?.getFields()[name]?.extensions ?? {}) as Declared;
  return declared === true;
}
