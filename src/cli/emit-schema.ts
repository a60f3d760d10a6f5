import 'reflect-metadata';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { makeSchema, printSdl } from '../api/schema.ts';

/** Where the schema is kept, from the root of the project, which is where this is run. */
const FILE = join('schema', 'schema.graphql');

/**
 * Writes the schema that is served to schema/schema.graphql; with --check only compares the two.
 * @returns the exit code: 1 when --check finds a difference
 */
async function emitSchema(isCheck: boolean): Promise<number> {
  const emitted = printSdl(makeSchema());
  if (isCheck) return check(emitted);
  await mkdir(dirname(FILE), { recursive: true });
  await writeFile(FILE, emitted);
  process.stdout.write(`${FILE} is written\n`);
  return 0;
}

async function check(emitted: string): Promise<number> {
  const kept = await readFile(FILE, 'utf8').catch(() => '');
  if (kept === emitted) return 0;
  const [line, ours, theirs] = firstDifference(emitted.split('\n'), kept.split('\n'));
  process.stderr.write(
    `${resolve(FILE)}:${line} differs from the schema that is served: run "npm run schema" and commit the file.\n` +
      `  served  ${ours}\n  kept    ${theirs}\n`,
  );
  return 1;
}

/** The number of the first line that differs, counted from 1, and the line on both sides. */
function firstDifference(a: readonly string[], b: readonly string[]): [number, string, string] {
  const index = a.findIndex((line, at) => line !== b[at]);
  const at = index < 0 ? a.length : index;
  return [at + 1, a[at] ?? '(nothing)', b[at] ?? '(nothing)'];
}

process.exitCode = await emitSchema(process.argv.includes('--check'));
