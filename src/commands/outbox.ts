import type { EntityManager } from '@mikro-orm/core';
import { newId } from '../platform/ids.ts';
import { prepared, sql } from '../platform/postgres.ts';
import { LATEST_ONLY, type NewEvent } from './event-types.ts';

/** An event, with the id of the request that caused it; undefined for a job. */
export interface Emitted {
  readonly event: NewEvent;
  readonly requestId: string | undefined;
}

/** Number of partitions; relays share the outbox out by them. */
export const PARTITIONS = 16;

/**
 * Writes events within `em`'s transaction, as its last statement: the rows that they tell of are locked or written by
 * then, so that within an aggregate the order of `sequence` is the order of the commits.
 */
export async function writeOutbox(em: EntityManager, emitted: readonly Emitted[]): Promise<void> {
  const events = withoutOutdated(emitted);
  if (events.length === 0) return;
  await sql(
    em,
    prepared(`insert into outbox (id, type, aggregate, part, data, request_id)
     select id, type, aggregate, part, data, request_id from json_to_recordset($1::json)
       as e (id uuid, type text, aggregate uuid, part smallint, data json, request_id text)`),
    // One document: arrays of documents would have each quotation mark escaped.
    [JSON.stringify(events.map(rowOf))],
  );
}

function rowOf({ event: { type, aggregate, data }, requestId }: Emitted): object {
  return { id: newId(), type, aggregate, part: partOf(aggregate), data, request_id: requestId };
}

/** Leaves out events that tell a state which a later event of the same transaction tells anew. */
function withoutOutdated(emitted: readonly Emitted[]): readonly Emitted[] {
  const last = new Map<string, Emitted>();
  for (const one of emitted) {
    const { type, aggregate } = one.event;
    if (LATEST_ONLY.has(type)) last.set(`${type} ${aggregate}`, one);
  }
  return emitted.filter(
    (one) => !LATEST_ONLY.has(one.event.type) || last.get(`${one.event.type} ${one.event.aggregate}`) === one,
  );
}

/** The partition of an aggregate: the last digit of its id, which is random. */
function partOf(aggregate: string): number {
  return Number.parseInt(aggregate.slice(-1), PARTITIONS);
}
