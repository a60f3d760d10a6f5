import { hash } from 'node:crypto';
import type { FastifyReply } from 'fastify';
import type { Asked, Taken } from './asked.ts';
import { cacheSecondsOf } from './cacheable.ts';
import { hasCredentials } from './cross-site.ts';
import type { Documents } from './documents.ts';

/** What the answer to a URL depends on besides it: the media type, whether somebody is signed in, headers for its page. */
const VARY = 'accept, authorization, origin';

const NOT_MODIFIED = 304;

/**
 * Lets caches keep the answer to a GET that is the same for everybody: says for how long, and names the answer by an ETag.
 * A client that has that very answer is told so, without it.
 * @param body the answer, as it would be sent
 * @returns what to answer the request with
 */
export function cachedAnswer(
  documents: Documents,
  { request, reply, asked, notes }: Taken,
  body: string,
): string | FastifyReply {
  const isWhole = body.startsWith('{"data":');
  const seconds = isWhole && !hasCredentials(request) && !notes.isMomentary ? secondsOf(documents, asked) : 0;
  if (seconds === 0) return body;
  const etag = `"${hash('sha256', `${reply.getHeader('content-type')}\n${body}`, 'base64url')}"`;
  void reply.headers({ 'cache-control': `public, max-age=${seconds}`, vary: VARY, etag });
  return isNamed(request.headers['if-none-match'], etag) ? reply.code(NOT_MODIFIED).send() : body;
}

function secondsOf(documents: Documents, asked: Asked): number {
  const found = documents.operationOf(asked, null);
  return found ? cacheSecondsOf(documents.schema, found.document, found.operation) : 0;
}

/** Whether the header `if-none-match` names an answer. A cache that packs answers marks their names as weak. */
function isNamed(header: string | undefined, etag: string): boolean {
  const names = header?.split(',').map((name) => name.trim().replace(/^W\//, '')) ?? [];
  return names.includes(etag) || names.includes('*');
}
