import type { FastifyRequest } from 'fastify';
import { type GraphQLError, OperationTypeNode } from 'graphql';
import { hasCookie } from '../accounts/remember-cookie.ts';
import type { Asked, Taken } from './asked.ts';
import type { Declared } from './context.ts';
import type { Documents } from './documents.ts';
import { badRequest } from './problems.ts';
import { rootFieldsOf } from './root-fields.ts';

/** Content types that a page may send to another origin without asking first, as may a request without one. */
const SIMPLE_TYPES = ['application/x-www-form-urlencoded', 'multipart/form-data', 'text/plain'];

/** Headers that a page cannot send to another origin without asking first. */
const PREFLIGHT_HEADERS = ['apollo-require-preflight', 'x-apollo-operation-name'];

/**
 * Refuses a request that a page of any origin can have the browser of its visitor send, because the visitor may be known
 * by it. Without credentials a GET of public fields is served: it does nothing, and answers everybody the same.
 * @returns the error BAD_REQUEST; undefined where the request may be served
 */
export function crossSiteFault(documents: Documents, { request, asked }: Taken): GraphQLError | undefined {
  if (!isSimple(request)) return undefined;
  const isServed = request.method !== 'POST' && !hasCredentials(request) && !asksBeyondPublic(documents, asked);
  return isServed ? undefined : badRequest(REFUSED);
}

const REFUSED = `Any page could have a browser send this request: send it by POST with the content type application/json, or with a value in the header ${PREFLIGHT_HEADERS[0]}. A GET needs neither when all its root fields are public and it has no authorization, cookie or x-queue-token.`;

/** Whether a browser sends such a request to another origin without asking first. */
function isSimple({ headers }: FastifyRequest): boolean {
  const type = headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  return (!type || SIMPLE_TYPES.includes(type)) && !PREFLIGHT_HEADERS.some((name) => headers[name]);
}

/** Whether a request says who sends it. */
export function hasCredentials({ headers }: FastifyRequest): boolean {
  return headers.authorization !== undefined || headers['x-queue-token'] !== undefined || hasCookie(headers.cookie);
}

/** Whether a query has root fields that are not public. What is no query, or cannot be read, is refused by its own error. */
function asksBeyondPublic(documents: Documents, asked: Asked): boolean {
  // Who has credentials does not come this far.
  const found = documents.operationOf(asked, null);
  if (found?.operation.operation !== OperationTypeNode.QUERY) return false;
  return !rootFieldsOf(found.document, found.operation).every((field) => isPublic(documents, field));
}

function isPublic({ schema }: Documents, name: string): boolean {
  if (name.startsWith('__')) return true;
  const { isPublic: declared } = (schema.getQueryType()?.getFields()[name]?.extensions ?? {}) as Declared;
  return declared === true;
}
