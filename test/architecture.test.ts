import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { importsOf, read } from './support/sources.ts';

/** Files that one reads for a verb at most; what answers from a replica takes two more. */
const MAX_FILES = 7;
const MAX_FILES_OF_LONG_ONES = 9;
const LONG_ONES = ['pay', 'queueToken', 'queuePosition'];

const readings = [...read('docs/architecture.md').matchAll(/^- \*\*(\w+)\*\*(?: \([^)]*\))?: (.*(?:\n {2}.*)*)/gm)].map(
  ([, verb, list]) => ({
    verb: verb as string,
    files: [...(list as string).matchAll(/`([^`]+)`/g)].map(([, path]) => path as string),
  }),
);

/** Files of this project that a file uses, Lua scripts too. */
function usedBy(path: string): string[] {
  const folder = dirname(path);
  const scripts = [...read(path).matchAll(/loadScript\(import\.meta\.url, '([^']+)'\)/g)];
  return [...importsOf(path).map(({ to }) => to), ...scripts.map(([, name]) => join(folder, `${name}.lua`))];
}

const isEntity = (path: string): boolean => path.endsWith('.ts') && /^@Entity\(/m.test(read(path));

it('docs/architecture.md tells in which order the main verbs are read', () => {
  const verbs = readings.map(({ verb }) => verb).sort();
  expect(verbs).toEqual(
    ['charge', 'pay', 'reserve', 'placeOrder', 'claimCoupon', 'enterQueue', 'queueToken', 'queuePosition'].sort(),
  );
});

describe.each(readings)('$verb', ({ verb, files }) => {
  it('is read in few files, none of them twice', () => {
    expect(files.length).toBeLessThanOrEqual(LONG_ONES.includes(verb) ? MAX_FILES_OF_LONG_ONES : MAX_FILES);
    expect(new Set(files).size).toBe(files.length);
  });

  it('leads from each file to the next by what it uses', () => {
    const known = new Set([files[0]]);
    for (const file of files.slice(1)) {
      expect([...known].some((path) => path?.endsWith('.ts') && usedBy(path).includes(file)), file).toBe(true);
      known.add(file);
    }
  });

  it('leaves out no file of its own noun, and no entity, that the verb itself uses', () => {
    const [, story = ''] = files;
    const own = usedBy(story).filter((path) => path.startsWith(`${dirname(story)}/`) || isEntity(path));
    expect(own.filter((path) => !files.includes(path))).toEqual([]);
  });
});
