import 'reflect-metadata';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { introspect, makeSchema, possibleTypes, printSdl } from '../api/schema.ts';
import { EVENT_TYPES, type EventType } from '../commands/event-types.ts';
import { schemaOf } from '../events/envelope.ts';

/** Where the files are kept, from the root of the project, which is where this is run. */
const FOLDER = 'schema';
const EVENTS = join(FOLDER, 'events');

/**
 * Writes what other programs build on to schema/: the schema that is served, as SDL, as the answer to introspection and as
 * the possible types that Apollo Client asks for, and a JSON Schema for each event. With --check only compares them with
 * what is there.
 * @returns the exit code: 1 when --check finds a difference
 */
async function emitSchema(isCheck: boolean): Promise<number> {
  const schema = makeSchema();
  const emitted = new Map([
    [join(FOLDER, 'schema.graphql'), printSdl(schema)],
    [join(FOLDER, 'introspection.json'), `${JSON.stringify(introspect(schema), null, 2)}\n`],
    [join(FOLDER, 'possible-types.json'), `${JSON.stringify(possibleTypes(schema), null, 2)}\n`],
  ]);
  for (const type of Object.keys(EVENT_TYPES) as EventType[]) {
    emitted.set(join(EVENTS, `${type}.json`), `${JSON.stringify(schemaOf(type), null, 2)}\n`);
  }
  const kept = await readdir(EVENTS).catch(() => []);
  const orphans = kept.map((name) => join(EVENTS, name)).filter((path) => !emitted.has(path));
  if (isCheck) return check(emitted, orphans);
  await mkdir(EVENTS, { recursive: true });
  for (const path of orphans) await rm(path);
  for (const [path, text] of emitted) await writeFile(path, text);
  process.stdout.write(`${FOLDER}/ is written\n`);
  return 0;
}

async function check(emitted: ReadonlyMap<string, string>, orphans: readonly string[]): Promise<number> {
  let code = 0;
  for (const path of orphans) {
    process.stderr.write(`${resolve(path)} describes no event: run "npm run schema" and commit the folder.\n`);
    code = 1;
  }
  for (const [path, text] of emitted) {
    const kept = await readFile(path, 'utf8').catch(() => '');
    if (kept === text) continue;
    const [line, ours, theirs] = firstDifference(text.split('\n'), kept.split('\n'));
    process.stderr.write(
      `${resolve(path)}:${line} differs from the schema that is served: run "npm run schema" and commit the file.\n` +
        `  served  ${ours}\n  kept    ${theirs}\n`,
    );
    code = 1;
  }
  return code;
}

/** The number of the first line that differs, counted from 1, and the line on both sides. */
function firstDifference(a: readonly string[], b: readonly string[]): [number, string, string] {
  const index = a.findIndex((line, at) => line !== b[at]);
  const at = index < 0 ? a.length : index;
  return [at + 1, a[at] ?? '(nothing)', b[at] ?? '(nothing)'];
}

process.exitCode = await emitSchema(process.argv.includes('--check'));
