/** Most brackets within one another in a document; far more than an operation within the limits has. */
const MOST_NESTING = 100;

const [QUOTE, BACKSLASH, HASH, LINE_FEED, RETURN] = ['"', '\\', '#', '\n', '\r'].map((sign) => sign.charCodeAt(0));
const OPENING = codesOf('{[(');
const CLOSING = codesOf('}])');

/**
 * Judges a GraphQL text before it is parsed, since parsing and validating go as deep as the text does and would run out of
 * stack. Brackets in strings and comments count for nothing.
 * @returns what is wrong with it; undefined when it may be parsed
 */
export function nestingFault(text: string): string | undefined {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === HASH) at = endOfLine(text, at);
    else if (OPENING.has(code)) depth++;
    else if (CLOSING.has(code)) depth--;
    if (depth > MOST_NESTING) return `The document is deeper than ${MOST_NESTING} levels.`;
  }
  return undefined;
}

function codesOf(signs: string): Set<number> {
  return new Set([...signs].map((sign) => sign.charCodeAt(0)));
}

/** Where the string or block string that begins here has its last character. */
function endOfString(text: string, from: number): number {
  if (text.startsWith('"""', from)) return endOfBlock(text, from);
  for (let at = from + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === BACKSLASH) at++;
    else if (code === QUOTE || code === LINE_FEED || code === RETURN) return at;
  }
  return text.length;
}

function endOfBlock(text: string, from: number): number {
  let at = text.indexOf('"""', from + 3);
  while (at > 0 && text.charCodeAt(at - 1) === BACKSLASH) at = text.indexOf('"""', at + 3);
  return at < 0 ? text.length : at + 2;
}

function endOfLine(text: string, from: number): number {
  let at = from;
  while (at < text.length && text.charCodeAt(at) !== LINE_FEED && text.charCodeAt(at) !== RETURN) at++;
  return at;
}
