import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAst } from 'vite';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Files below `folder` whose names end so, as sorted paths from the root of the project. */
export function filesBelow(folder: string, ...endings: string[]): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && endings.some((ending) => entry.name.endsWith(ending)))
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length))
    .sort();
}

/** The text of a file, by its path from the root. */
export function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** A node of ESTree; positions count characters from the file's beginning. */
export interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

/** Every node of a TypeScript file's syntax tree, with the one it stands in. */
export function* nodesOf(path: string): Generator<[node: Node, parent: Node | undefined]> {
  const program = parseAst(read(path), { lang: 'ts' }) as unknown as Node;
  const stack: [Node, Node | undefined][] = [[program, undefined]];
  for (let next = stack.pop(); next; next = stack.pop()) {
    yield next;
    const [node] = next;
    for (const child of Object.values(node).flat()) {
      if (typeof (child as Node | null)?.type === 'string') stack.push([child as Node, node]);
    }
  }
}

/** One file that uses another one of this project, both as paths from its root. */
export interface Import {
  readonly from: string;
  readonly to: string;
  /** Gone after compilation. */
  readonly isType: boolean;
}

/** What a TypeScript file imports from this project. */
export function importsOf(from: string): Import[] {
  const found: Import[] = [];
  for (const [node] of nodesOf(from)) {
    const name = (node.source as { value?: unknown } | null | undefined)?.value;
    if (!/^(Import|Export)/.test(node.type) || typeof name !== 'string' || !name.startsWith('.')) continue;
    found.push({ from, to: normalize(join(dirname(from), name)), isType: node.importKind === 'type' });
  }
  return found;
}
