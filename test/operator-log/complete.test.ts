import { expect, it } from 'vitest';
import { SHOWN_FIELDS } from '../../src/commands/shown-fields.ts';
import { ENTITIES } from '../../src/entities.ts';
import { OperatorLogEntry } from '../../src/operator-log/operator-log.ts';
import { filesBelow, importsOf, read } from '../support/sources.ts';

it('every entity but the log itself says which of its fields the log may show', () => {
  const shown = [...SHOWN_FIELDS.keys()].map(({ name }) => name);
  expect(shown.sort()).toEqual(
    ENTITIES.filter((entity) => entity !== OperatorLogEntry)
      .map(({ name }) => name)
      .sort(),
  );
});

it('no secret is among them: of names only those of things, of addresses only those of pictures, no key, no code and no token', () => {
  const shown = [...SHOWN_FIELDS].flatMap(([{ name }, fields]) => fields.map((field) => `${name}.${field}`));
  const suspects = shown.filter((field) =>
    /name|url|secret|seed|hash|token|password|code|memo|text|reason/i.test(field.split('.')[1] ?? ''),
  );
  expect(suspects.sort()).toEqual(['Concert.imageUrl', 'Coupon.name', 'Product.name', 'Queue.name']);
});

it('a verb of buyers that asks whether the caller is an operator says so to the log', () => {
  const importers = filesBelow('src', '.ts').map((path) => ({ path, used: importsOf(path).map(({ to }) => to) }));
  const verbs = importers.filter(
    ({ used }) => used.includes('src/accounts/is-operator.ts') && used.includes('src/commands/runner.ts'),
  );
  expect(verbs.length).toBeGreaterThan(0);
  expect(verbs.filter(({ path }) => !read(path).includes('asOperator(')).map(({ path }) => path)).toEqual([]);
});
