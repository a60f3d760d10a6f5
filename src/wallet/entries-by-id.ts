import type { Batch } from '../api/context.ts';
import { LedgerEntry } from './ledger-entry.ts';

/** Entries that exist, by id. */
export const entriesById: Batch<LedgerEntry> = async ({ em }, ids) => {
  const entries = new Map((await em.find(LedgerEntry, { id: { $in: [...ids] } })).map((entry) => [entry.id, entry]));
  return ids.map((id) => entries.get(id) as LedgerEntry);
};
