/** A word of a text is found by its first characters; longer ones are cut, so that each fits into an index. */
const MOST_CHARACTERS = 100;

/** How many characters of a name decide about its place. */
const MOST_SORTED = 200;

/**
 * The words of texts: runs of letters, digits and marks, in one spelling whatever the case or width they were written
 * in, each once. Made here and not by PostgreSQL, so that a search finds the same whatever the database's locale.
 */
export function wordsOf(...texts: readonly string[]): string[] {
  const words = texts.flatMap(
    (text) =>
      text
        .normalize('NFKC')
        .toLowerCase()
        .match(/[\p{L}\p{N}\p{M}]+/gu) ?? [],
  );
  return [...new Set(words.map((word) => [...word].slice(0, MOST_CHARACTERS).join('')))];
}

/** What a name is sorted by: its characters by code point, upper and lower case as one. */
export function sortNameOf(name: string): string {
  return [...name.toLowerCase()].slice(0, MOST_SORTED).join('');
}

/** A tsquery for texts that have words beginning with each of `words`. */
export function queryOf(words: readonly string[]): string {
  return words.map((word) => `'${word}':*`).join(' & ');
}
