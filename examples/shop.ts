// What the program in buy-a-ticket.ts needs of a client library: apollo/, urql/ and graphql-request/ each give it.
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';

/** What the person has by now. A client sends it with every request, and with every socket that is opened, or again. */
export interface Credentials {
  /** Session.accessToken, once signed in. */
  accessToken?: string;
  /** QueueToken.value, once in a queue. */
  queueToken?: string;
}

export interface Shop {
  /**
   * Sends a query or a mutation, and sends it again while that helps (pauseAfter).
   * @returns its data
   * @throws ApiError when the answer has errors
   */
  ask<Data, Variables extends Record<string, unknown>>(
    document: TypedDocumentNode<Data, Variables>,
    variables: Variables,
  ): Promise<Data>;
  /**
   * Subscribes until an event is the wanted one, and connects again by itself where the connection breaks.
   * @returns the data of the wanted event
   * @throws ApiError when the subscription is refused; Error when it ends before
   */
  watch<Data, Variables extends Record<string, unknown>>(
    document: TypedDocumentNode<Data, Variables>,
    variables: Variables,
    isWanted: (data: Data) => boolean,
  ): Promise<Data>;
  /** Closes what is open. */
  close(): void | Promise<void>;
}

/**
 * How a client names the documents that it sends: by their text, or by their hash in gql/persisted-documents.json. A server
 * with that list in TRUSTED_DOCUMENTS serves nothing else.
 */
export type Naming = 'text' | 'hash';

export type OpenShop = (url: string, credentials: Credentials, naming: Naming) => Shop;

/** SHA-256 of a document, as GraphQL Code Generator has written it into the document and into the list. */
export function hashOf(document: object): string {
  return (document as { __meta__: { hash: string } }).__meta__.hash.replace('sha256:', '');
}

/** One of the top-level `errors`, as GraphQL's clients hand it over. */
export interface TopLevelError {
  readonly message: string;
  readonly extensions?: { readonly [key: string]: unknown } | undefined;
}

/** An answer with `errors`: a caller in the wrong, or a fault. Refusals are data, and never this. */
export class ApiError extends Error {
  readonly code: string;
  readonly extensions: { readonly [key: string]: unknown };

  constructor({ message, extensions = {} }: TopLevelError) {
    super(message);
    this.code = String(extensions.code);
    this.extensions = extensions;
  }
}

/** How often a client sends the same at most. */
export const MAX_TRIES = 5;
/** The longest pause before a client sends the same again, in milliseconds. */
export const MAX_PAUSE_MS = 15_000;

/**
 * How long to wait before the same is sent again, as it is, so with the same idempotency key. Of a fault the outcome is
 * unknown: the key keeps a payment that went through from being made twice.
 * @param error the first of the errors; undefined where no answer came
 * @returns milliseconds; undefined where sending the same again does not help
 */
export function pauseAfter(error: TopLevelError | undefined): number | undefined {
  const { code, retryAfterMs } = error?.extensions ?? {};
  if (error === undefined || code === 'SERVICE_UNAVAILABLE') return 1_000;
  if (code === 'RATE_LIMITED' && Number(retryAfterMs) <= MAX_PAUSE_MS) return Number(retryAfterMs);
  return undefined;
}
