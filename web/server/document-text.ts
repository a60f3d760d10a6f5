import { type DocumentNode, InMemoryCache } from '@apollo/client';
import { print } from '@apollo/client/utilities';

const cache = new InMemoryCache();

/** The text of a document as Apollo Client sends it, which asks for `__typename` everywhere. */
export function textOf(document: DocumentNode): string {
  return print(cache.transformDocument(document));
}
