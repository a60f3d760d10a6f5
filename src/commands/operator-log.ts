import type { EntityManager } from '@mikro-orm/core';
import { prepared, sql } from '../platform/postgres.ts';
import { idsIn, isId, shownOf } from './shown-fields.ts';

/** An operator whose mutation changes something. */
export interface Acting {
  readonly operatorId: string;
  /** Name of the mutation in the schema. */
  readonly mutation: string;
}

/** Who changes something: the context of a request has it. */
interface Actor {
  readonly acting?: Acting | null;
  readonly requestId?: string;
}

/** What a mutation did, as the operators' log tells it: ids and values, never names of people and never a secret. */
export interface Deed {
  /** Ids by which the row is found: of what changed, and of what that belongs to. */
  readonly subjectIds: readonly string[];
  /** Of each row that changed: its type, its ids, and the fields that changed, as they were. */
  readonly before: readonly object[];
  /** The same rows, and those that are new, as they are now. */
  readonly after: readonly object[];
}

/** A row of the operators' log that is to be written. */
export interface LogRow extends Deed {
  readonly acting: Acting;
  readonly requestId: string | undefined;
  /** The instant, by PostgreSQL's clock; that of the writing when left out. */
  readonly at?: Date;
}

/** A row that changed, or is new or gone: then one of the two is left out. */
export interface Change {
  readonly before?: object | undefined;
  readonly after?: object | undefined;
}

/** The deed that changes of rows are, by the fields that SHOWN_FIELDS allows to be shown. */
export function deedOf(changes: readonly Change[]): Deed {
  const deed = { subjectIds: new Set<string>(), before: [] as object[], after: [] as object[] };
  for (const change of changes) {
    const [before, after] = [change.before, change.after].map((row) => row && shownOf(row));
    for (const id of [before, after].flatMap((row) => (row ? idsIn(row) : []))) deed.subjectIds.add(id);
    const changed = (name: string): boolean =>
      !before ||
      !after ||
      name === 'type' ||
      isId(name) ||
      JSON.stringify(before[name]) !== JSON.stringify(after[name]);
    const only = (row: Record<string, unknown>): object =>
      Object.fromEntries(Object.entries(row).filter(([name]) => changed(name)));
    if (before) deed.before.push(only(before));
    if (after) deed.after.push(only(after));
  }
  return { ...deed, subjectIds: [...deed.subjectIds] };
}

/** The two as one deed. */
export function bothOf(one: Deed, other: Deed): Deed {
  return {
    subjectIds: [...new Set([...one.subjectIds, ...other.subjectIds])],
    before: [...one.before, ...other.before],
    after: [...one.after, ...other.after],
  };
}

/**
 * Writes, within `em`'s transaction, the row of an operator's mutation that is no command of the runner. Writes none for
 * a caller who does not act by the role of an operator. Commands have their rows written by the runner.
 * @param actor the context that the mutation was asked with
 */
export async function logDeed(em: EntityManager, { acting, requestId }: Actor, deed: Deed): Promise<void> {
  if (acting) await writeOperatorLog(em, [{ ...deed, acting, requestId }]);
}

/** Writes rows of the operators' log within `em`'s transaction, so that no change is without its row, and no row without it. */
export async function writeOperatorLog(em: EntityManager, rows: readonly LogRow[]): Promise<void> {
  if (rows.length === 0) return;
  await sql(
    em,
    prepared(`insert into operator_log (at, operator_id, request_id, mutation, subject_ids, before, after)
     select coalesce(at, clock_timestamp()), operator_id, request_id, mutation, subject_ids, before, after
     from json_to_recordset($1::json) as l (at timestamptz, operator_id uuid, request_id text, mutation text,
       subject_ids uuid[], before json, after json)`),
    [
      JSON.stringify(
        rows.map(({ at, acting: { operatorId, mutation }, requestId, subjectIds, before, after }) => ({
          ...{ at, operator_id: operatorId, request_id: requestId, mutation },
          ...{ subject_ids: subjectIds, before, after },
        })),
      ),
    ],
  );
}
