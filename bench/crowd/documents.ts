import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse, print, separateOperations } from 'graphql';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const paths = globSync('web/*/*.graphql', { cwd: ROOT });
const texts = paths.map((path) => readFileSync(`${ROOT}${path}`, 'utf8'));
const operations = separateOperations(parse(texts.join('\n')));

/**
 * The text of an operation of the pages, with its fragments: the crowd asks for what browsers ask for.
 * @throws Error where the pages have no such operation
 */
export function documentOf(name: string): string {
  const document = operations[name];
  if (!document) throw new Error(`the pages have no operation ${name}`);
  return print(document);
}
