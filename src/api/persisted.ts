import { GraphQLError } from 'graphql';
import { badRequest } from './problems.ts';

/** How a request names its document: by its text, by the SHA-256 of the text in lower-case hex, or by both. */
export interface Named {
  readonly text?: string | undefined;
  readonly hash?: string | undefined;
  /** What is wrong with the hash itself. */
  readonly fault?: GraphQLError;
}

/**
 * Reads what names a document, by the protocol of Apollo's automatic persisted queries:
 * `extensions: {persistedQuery: {version: 1, sha256Hash}}` with the text or without.
 * @returns undefined where the request names none
 */
export function namedBy(query: unknown, extensions: unknown): Named | undefined {
  const persisted = (extensions as { persistedQuery?: unknown } | null | undefined)?.persistedQuery;
  const text = typeof query === 'string' ? query : undefined;
  if (!persisted) return text === undefined ? undefined : { text };
  const { version, sha256Hash: hash } = persisted as { version?: unknown; sha256Hash?: unknown };
  if (version !== 1) return { text, fault: badRequest('Unsupported persisted query version') };
  if (typeof hash !== 'string') return { text, fault: badRequest('sha256Hash must be a text.') };
  return { text, hash };
}

/** The hash came alone, and this process does not know the text: the client sends it with the text, as clients do. */
export function notFound(): GraphQLError {
  // The status of Apollo Server, which clients expect of an answer of application/json.
  const extensions = { code: 'PERSISTED_QUERY_NOT_FOUND', http: { status: 200 } };
  return new GraphQLError('PersistedQueryNotFound', { extensions });
}

export function wrongHash(): GraphQLError {
  return badRequest('provided sha does not match query');
}

/** Only documents of TRUSTED_DOCUMENTS are served, and this is none of them. */
export function notInList(): GraphQLError {
  const extensions = { code: 'PERSISTED_QUERY_NOT_IN_LIST', http: { status: 400 } };
  return new GraphQLError('This deployment serves only the documents that its operators have listed.', { extensions });
}
