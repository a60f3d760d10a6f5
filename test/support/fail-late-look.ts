import { patchPg, sqlWith } from './patch-pg.ts';

const held = new Set<unknown>();
const holds = sqlWith('insert into hold');
const looks = sqlWith('as "onSale"');

/** Preload: whoever looks, with no others, at seats that were held before meets a database that fails. */
patchPg((text, values) => {
  const given = values as unknown[][];
  if (holds(text)) for (const list of given[3] ?? []) held.add(list);
  const looked = looks(text) ? (given[2] ?? []) : [];
  if (looked.length === 1 && held.has(looked[0])) throw new Error('the look failed');
  return text;
});
