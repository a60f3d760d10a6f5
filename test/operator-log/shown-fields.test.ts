import { expect, it } from 'vitest';
import { SHOWN_FIELDS } from '../../src/commands/shown-fields.ts';
import { ENTITIES } from '../../src/entities.ts';
import { OperatorLogEntry } from '../../src/operator-log/operator-log.ts';

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
