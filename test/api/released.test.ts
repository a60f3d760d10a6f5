import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildClientSchema, buildSchema, isAbstractType, printSchema } from 'graphql';
import { afterAll, beforeEach, expect, it } from 'vitest';
import { scratchFolder } from '../support/scratch.ts';
import { read } from '../support/sources.ts';
import { type Outcome, run } from '../support/verify.ts';

const SDL = read('schema/schema.graphql');
const folder = await scratchFolder('released-');
const path = (name: string): string => join(folder, name);

beforeEach(async () => {
  await rm(folder, { recursive: true, force: true });
  await mkdir(path('docs/decisions'), { recursive: true });
  await mkdir(path('schema'));
  await cp('schema/schema.graphql', path('schema/released.graphql'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Compares the schema, changed in one place, with the one that is served as the released one. */
async function compareWith(search: string | RegExp, replacement: string): Promise<Outcome> {
  const changed = SDL.replace(search, replacement);
  expect(changed).not.toBe(SDL);
  await writeFile(path('schema/schema.graphql'), changed);
  return run('scripts/released-schema.mjs', 'compare', folder);
}

const record = (name: string, lines: string): Promise<void> =>
  writeFile(path(`docs/decisions/${name}.md`), `# A record\n\n${lines}\n\nWhy it had to be.\n`);

const WITHOUT_SEAT_STATES = /\n {2}"""[^"]*"""\n {2}seatStates\([\s\S]*?\n {2}\): SeatStates! @queued\n/;

it('a field that was removed fails, and the message says what it breaks and what to do', async () => {
  const { code, err } = await compareWith(WITHOUT_SEAT_STATES, '\n');
  expect(code).toBe(1);
  expect(err).toContain("BREAKING   Query.seatStates: Field 'seatStates' was removed from object type 'Query'");
  expect(err).toContain('Removing a field is a breaking change. It is preferable to deprecate the field');
  expect(err).toContain('    breaking: Query.seatStates');
});

it('with a record that names the change it passes, and is told; a record of another change does not help', async () => {
  await record('2026-11-27-other', 'breaking: Query.seatMap');
  expect((await compareWith(WITHOUT_SEAT_STATES, '\n')).code).toBe(1);
  await record('2026-11-27-no-states', 'breaking: Query.seatStates');
  const { code, out, err } = await compareWith(WITHOUT_SEAT_STATES, '\n');
  expect([code, err]).toEqual([0, '']);
  expect(out).toMatch(/breaking {3}Query\.seatStates: .*\(docs\/decisions\/2026-11-27-no-states\.md\)/);
});

it('a record excuses a change until the release that takes it in, and no later one', async () => {
  await record('2026-11-27-no-states', 'breaking: Query.seatStates');
  await compareWith(WITHOUT_SEAT_STATES, '\n');
  const released = await run('scripts/released-schema.mjs', 'release', folder);
  expect(released).toMatchObject({ code: 0, err: '' });
  await writeFile(path('schema/schema.graphql'), SDL);
  expect((await run('scripts/released-schema.mjs', 'release', folder)).code).toBe(0);
  expect((await compareWith(WITHOUT_SEAT_STATES, '\n')).code).toBe(1);
  expect((await run('scripts/released-schema.mjs', 'release', folder)).code).toBe(1);
});

it('an addition passes, and a dangerous change passes and is told', async () => {
  const addition = await compareWith('\ntype Wallet {', '\ntype Wallet {\n  """New"""\n  isNew: Boolean!');
  expect(addition).toMatchObject({ code: 0, err: '' });
  expect(addition.out).not.toContain('Wallet.isNew');
  const dangerous = await compareWith('\nenum Role {', '\nenum Role {\n  """New"""\n  GUEST');
  expect(dangerous).toMatchObject({ code: 0, err: '' });
  expect(dangerous.out).toContain("dangerous  Role.GUEST: Enum value 'GUEST' was added to enum 'Role'");
});

it('a field that becomes @operator or @queued is breaking, though its type is the same', async () => {
  const { code, err } = await compareWith('): ConcertConnection!', '): ConcertConnection! @operator');
  expect(code).toBe(1);
  expect(err).toContain(
    "BREAKING   Query.concerts.@operator: Directive 'operator' was added to field 'Query.concerts'",
  );
});

it('the emitted introspection and possible types tell the schema that is served', () => {
  const schema = buildSchema(SDL);
  const introspected = buildClientSchema(JSON.parse(read('schema/introspection.json')));
  expect(printSchema(introspected)).toBe(printSchema(schema));
  const abstract = Object.values(schema.getTypeMap()).filter(isAbstractType);
  expect(JSON.parse(read('schema/possible-types.json'))).toEqual(
    Object.fromEntries(
      abstract.map((type) => [
        type.name,
        schema
          .getPossibleTypes(type)
          .map(({ name }) => name)
          .sort(),
      ]),
    ),
  );
});
