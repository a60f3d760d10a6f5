import { patchPg } from './patch-pg.ts';

const held = new Set<unknown>();

/** Preload: whoever looks, with no others, at seats that were held before meets a database that fails. */
patchPg((text, values) => {
  const given = values as unknown[][];
  if (text.includes('insert into hold')) for (const list of given[3] ?? []) held.add(list);
  const looked = text.includes('as "onSale"') ? (given[2] ?? []) : [];
  if (looked.length === 1 && held.has(looked[0])) throw new Error('the look failed');
  return text;
});
