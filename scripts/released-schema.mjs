// Compares schema/schema.graphql with schema/released.graphql, the schema that clients were promised, by graphql-inspector.
//
//     node scripts/released-schema.mjs compare [folder]   fails for a breaking change that no decision record names
//     node scripts/released-schema.mjs release [folder]   makes the present schema the released one
//
// A decision record names a change by its path, on a line of its own: `breaking: Query.wallet`. It excuses the change until
// the next release, whose head lists the records that it has taken in. docs/releases.md says how a release is made.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CriticalityLevel, diff } from '@graphql-inspector/core';
import { buildSchema } from 'graphql';

const RELEASED = 'schema/released.graphql';
const PRESENT = 'schema/schema.graphql';
const RECORDS = 'docs/decisions';

const [command, folder = '.'] = process.argv.slice(2);
const released = read(RELEASED);
const present = read(PRESENT);
/** Records that name breaking changes, with the paths of these. */
const records = readdirSync(join(folder, RECORDS))
  .filter((name) => name.endsWith('.md'))
  .map((name) => `${RECORDS}/${name}`)
  .sort()
  .map((path) => ({ path, names: [...read(path).matchAll(/^breaking: (\S+)$/gm)].map(([, name]) => name) }))
  .filter(({ names }) => names.length > 0);
/** Records whose changes are released: they excuse no other change of the same path. */
const spent = new Set([...released.matchAll(/^# - (\S+)$/gm)].map(([, path]) => path));

if (command === 'compare') process.exitCode = await compare();
else if (command === 'release') process.exitCode = await release();
else throw new Error('say compare or release');

/** @returns the exit code: 1 for a breaking change that no record names */
async function compare() {
  const { breaking, dangerous, added } = await changes();
  const excuses = new Map(
    records.filter(({ path }) => !spent.has(path)).flatMap(({ path, names }) => names.map((name) => [name, path])),
  );
  for (const { path, message } of dangerous) say(`dangerous  ${path}: ${message}`);
  for (const { path, message } of breaking) {
    if (excuses.has(path)) say(`breaking   ${path}: ${message} (${excuses.get(path)})`);
  }
  const unexcused = breaking.filter(({ path }) => !excuses.has(path));
  for (const { path, message, criticality } of unexcused) {
    complain(`BREAKING   ${path}: ${message}`, ...(criticality.reason ? [`           ${criticality.reason}`] : []));
  }
  if (unexcused.length > 0) {
    const [{ path }] = unexcused;
    complain(
      `Clients of ${RELEASED} may break. Keep what was released, or write a record in ${RECORDS}/ that says why, with the line`,
      `    breaking: ${path}`,
    );
  }
  say(
    `since the release: ${breaking.length} breaking, ${dangerous.length} dangerous, ${added.length} other changes, descriptions aside`,
  );
  return unexcused.length > 0 ? 1 : 0;
}

/** Makes the present schema the released one, unless that needs a record that is missing. @returns the exit code */
async function release() {
  const code = existsSync(join(folder, RELEASED)) ? await compare() : 0;
  if (code !== 0) return code;
  const head = [
    '# The schema of the last release, which clients rely on. Made by "npm run schema:release"; never edited by hand.',
    '# Decision records whose breaking changes are in it:',
    ...records.map(({ path }) => `# - ${path}`),
  ];
  writeFileSync(join(folder, RELEASED), `${head.join('\n')}\n\n${present}`);
  say(`${RELEASED} is written`);
  return 0;
}

/** The changes since the release, without those of descriptions, which no program reads. */
async function changes() {
  const all = await diff(buildSchema(released), buildSchema(present));
  const [breaking, dangerous, added] = [[], [], []];
  for (const change of all) {
    if (change.type.includes('DESCRIPTION')) continue;
    if (isBreaking(change)) breaking.push(change);
    else if (change.criticality.level === CriticalityLevel.Dangerous) dangerous.push(change);
    else added.push(change);
  }
  return { breaking, dangerous, added };
}

/** @operator and @queued take a field from those who could ask for it, which graphql-inspector finds only dangerous. */
function isBreaking({ type, criticality: { level } }) {
  if (type === 'DIRECTIVE_USAGE_FIELD_DEFINITION_ADDED') return level !== CriticalityLevel.NonBreaking;
  return level === CriticalityLevel.Breaking;
}

function read(path) {
  return existsSync(join(folder, path)) ? readFileSync(join(folder, path), 'utf8') : '';
}

function say(line) {
  process.stdout.write(`${line}\n`);
}

function complain(...lines) {
  process.stderr.write(`${lines.join('\n')}\n`);
}
