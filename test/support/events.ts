import { readFileSync } from 'node:fs';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import type { Redis } from 'ioredis';
import type pg from 'pg';
import type { Buyer, Data } from './client.ts';

const ajv = new Ajv2020();
(formats as unknown as (ajv: Ajv2020) => void)(ajv);
const validators = new Map<string, ValidateFunction>();

/** What is wrong with an event by its schema in schema/events/, or is not in it; undefined when it is as the schema says. */
export function faultOf(event: Data): string | undefined {
  let validate = validators.get(event.type);
  if (!validate) {
    // Fields may be added one day; until then there are no others.
    const schema = JSON.parse(readFileSync(`schema/events/${event.type}.json`, 'utf8'));
    schema.additionalProperties = false;
    schema.properties.data.additionalProperties = false;
    validate = ajv.compile(schema);
    validators.set(event.type, validate);
  }
  return validate(event) ? undefined : ajv.errorsText(validate.errors);
}

/** The envelopes in the stream, the oldest first. */
export async function readStream(redis: Redis): Promise<Data[]> {
  const entries = await redis.xrange('onsale:events', '-', '+');
  return entries.map(([, fields]) => JSON.parse(fields[1] as string));
}

/** Registers a webhook. @returns its id and secret */
export async function makeWebhook(
  operator: Buyer,
  url: string,
  events: readonly string[],
): Promise<{ id: string; secret: string }> {
  const query = `mutation ($input: RegisterWebhookInput!) { registerWebhook(input: $input) { secret webhook { id } } }`;
  const { registerWebhook } = await operator.get(query, { input: { url, events } });
  return { id: registerWebhook.webhook.id, secret: registerWebhook.secret };
}

/** The first positions of each event, doubles dropped: what a receiver that drops doubles by id has in the end. */
export function withoutDoubles(events: readonly Data[]): Data[] {
  const seen = new Set<string>();
  return events.filter(({ id }) => !seen.has(id) && seen.add(id));
}

/** Events that came before an earlier one of the same subject; doubles count by their first arrival only. */
export function outOfOrder(events: readonly Data[]): Data[] {
  const last = new Map<string, string>();
  return withoutDoubles(events).filter(({ subject, sequence }) => {
    const isLate = (last.get(subject) ?? '') > sequence;
    last.set(subject, sequence);
    return isLate;
  });
}

/** The types of the events of a subject, in the order in which they happened. */
export async function typesOf(pool: pg.Pool, subject: string): Promise<string[]> {
  const { rows } = await pool.query<{ type: string }>(
    'select type from outbox where aggregate = $1 order by sequence',
    [subject],
  );
  return rows.map(({ type }) => type);
}
