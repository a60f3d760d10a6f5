import { spawnSync } from 'node:child_process';
import { cp, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { scratchFolder } from '../support/scratch.ts';
import { read } from '../support/sources.ts';

const PROJECT = join(import.meta.dirname, '..', '..');
const SCHEMA = 'schema/schema.graphql';

let root: string;

beforeAll(async () => {
  root = await scratchFolder('onsale-pages-');
  await cp(join(PROJECT, 'web'), join(root, 'web'), {
    recursive: true,
    filter: (path) => !/web\/(node_modules|gql)$/.test(path),
  });
  await symlink(join(PROJECT, 'node_modules'), join(root, 'node_modules'));
  await mkdir(join(root, 'schema'));
  await cp(join(PROJECT, 'schema'), join(root, 'schema'), { recursive: true });
  await writeFile(join(root, 'package.json'), '{"type":"module"}');
});

afterAll(() => rm(root, { recursive: true, force: true }));

/** What a script of the pages says. */
function run(...args: string[]): string {
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  return stdout + stderr;
}

/** Changes the schema under the pages. */
async function change(from: RegExp, to: string, schema = read(SCHEMA)): Promise<string> {
  expect(schema).toMatch(from);
  const changed = schema.replace(from, to);
  await writeFile(join(root, SCHEMA), changed);
  return changed;
}

it('a field that is no longer in the schema fails the documents of the pages', async () => {
  await change(/ {2}availableCount: Int!/, '  freeCount: Int!');
  expect(run('web/codegen.mjs')).toContain('Cannot query field "availableCount" on type "Show"');
});

it('a field that may be null, and a refusal that has no sentence yet, fail the type check', async () => {
  const schema = await change(/enum ProblemCode \{/, 'enum ProblemCode {\n  BRAND_NEW');
  await change(/(type Show \{[^}]* startsAt: DateTime)!/, '$1', schema);
  expect(run('web/codegen.mjs')).toBe('');
  const types = run('node_modules/typescript/bin/tsc', '-p', 'web');
  expect(types).toContain("Property 'BRAND_NEW' is missing");
  expect(types).toContain("'string | null' is not assignable");
});
