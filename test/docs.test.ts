import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { ERRORS, REFUSALS } from '../src/api/problems.ts';
import { KEYS } from '../src/config.ts';
import { filesBelow, read } from './support/sources.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PAGES = ['README.md', ...filesBelow('docs', '.md')];

/** The rows of the tables under a heading of level two, by cell; without heads and rules. */
function rowsUnder(path: string, heading: string): string[][] {
  const section =
    read(path)
      .split(/^## /m)
      .find((part) => part.startsWith(`${heading}\n`)) ?? '';
  return rowsOf(section);
}

function rowsOf(text: string): string[][] {
  const rows = text.split('\n').filter((line) => line.startsWith('| `'));
  return rows.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** What a cell says in code. */
function code(cell: string | undefined): string {
  return /^`(.*)`$/.exec(cell ?? '')?.[1] ?? '';
}

it('docs/errors.md lists every refusal, and no other', () => {
  const listed = rowsUnder('docs/errors.md', 'Refusals').map(([first]) => code(first));
  expect(listed.sort()).toEqual(Object.keys(REFUSALS).sort());
});

it('docs/errors.md lists every error code, and no other', () => {
  const listed = rowsUnder('docs/errors.md', 'Errors').map(([first]) => code(first));
  expect(listed.sort()).toEqual(Object.keys(ERRORS).sort());
});

it("docs/errors.md lists every code of Apollo's own that is let through, and no other", () => {
  const letThrough = /APOLLO_CODES = new Set\(\[([^\]]*)\]/.exec(read('src/api/errors.ts'))?.[1] ?? '';
  const codes = [...letThrough.matchAll(/'(\w+)'/g)].map(([, name]) => name);
  const listed = rowsUnder('docs/errors.md', "Apollo's own codes").map(([first]) => code(first));
  expect(codes.length).toBeGreaterThan(0);
  expect(listed.sort()).toEqual(codes.sort());
});

it('docs/errors.md says of every code when it comes and what a client does', () => {
  const short = rowsOf(read('docs/errors.md')).filter(
    (cells) => cells.length !== 3 || cells.some((cell) => cell === ''),
  );
  expect(short).toEqual([]);
});

it('docs/configuration.md lists the keys of the configuration in their order, each as the code has it', () => {
  const keys = Object.entries(KEYS).map(([name, { about, fallback, example }]) => [
    `\`${name}\``,
    about,
    fallback === undefined ? 'unset' : `\`${fallback}\``,
    `\`${example}\``,
  ]);
  expect(rowsOf(read('docs/configuration.md'))).toEqual(keys);
});

it('docs/glossary.md has no word that the code does not use, and none twice', () => {
  const code = [...filesBelow('src', '.ts', '.lua')].map(read).join('\n').toLowerCase();
  const words = [...read('docs/glossary.md').matchAll(/^- \*\*(.+?)\*\*: /gm)].map(([, word]) => word as string);
  expect(words.length).toBeGreaterThan(0);
  expect(words.filter((word) => !new RegExp(`\\b${word.replace(' ', '[ _]')}`).test(code))).toEqual([]);
  expect(words.length).toBe(new Set(words).size);
});

/** A decision that no longer holds tells of files as they were then. */
const isSuperseded = (text: string): boolean => /^\d{4}-\d\d-\d\d, superseded by \[/m.test(text);

it('every path that README.md and docs name exists', () => {
  const missing = PAGES.flatMap((page) => {
    const text = read(page);
    if (isSuperseded(text)) return [];
    const named = [
      ...text.matchAll(/(?<![\w/.:{-])((?:src|embedded|test|docs|migrations|schema|bench|scripts)\/[\w./-]*\w)/g),
    ];
    const linked = [...text.matchAll(/\]\((?!https?:)([^)#]+)/g)];
    const paths = [
      ...named.map(([, path]) => path as string),
      ...linked.map(([, path]) => join(dirname(page), path as string)),
    ];
    return paths.filter((path) => !existsSync(join(ROOT, path))).map((path) => `${page}: ${path}`);
  });
  expect(missing).toEqual([]);
});

it('README.md and docs name only scripts that a package.json has', () => {
  const scriptsOf = (path: string) => (JSON.parse(read(path)) as { scripts: Record<string, string> }).scripts;
  const scripts = { ...scriptsOf('package.json'), ...scriptsOf('examples/package.json') };
  const named = PAGES.flatMap((page) => [...read(page).matchAll(/npm (?:run ([\w:-]+)|(start|test)\b)/g)]);
  expect(named.map(([, run, short]) => run ?? short ?? '').filter((name) => !(name in scripts))).toEqual([]);
});
