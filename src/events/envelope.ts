import * as z from 'zod/mini';
import { EVENT_TYPES, type EventType } from '../commands/event-types.ts';

/** A row of `outbox`, as relays and deliveries read it. */
export interface OutboxRow {
  readonly sequence: number;
  readonly id: string;
  readonly type: EventType;
  readonly aggregate: string;
  /** JSON. */
  readonly data: string;
  readonly requestId: string | null;
  readonly occurredAt: Date;
}

/** Columns of an OutboxRow over `outbox o`. */
export const OUTBOX_COLUMNS = `o.sequence, o.id, o.type, o.aggregate, o.data::text as data, o.request_id as "requestId",
  o.occurred_at as "occurredAt"`;

const SOURCE = '/onsale';

/** Digits of a sequence: texts of this length sort as the numbers do. */
const SEQUENCE_DIGITS = 16;

/** An event in the JSON format of CloudEvents 1.0, with its extensions `sequence` and `requestid`. */
export interface Envelope {
  readonly specversion: '1.0';
  /** The same in every delivery of the event: receivers drop doubles by it. */
  readonly id: string;
  readonly source: typeof SOURCE;
  readonly type: EventType;
  /** The id of the thing that changed, whose events are delivered in order. */
  readonly subject: string;
  readonly time: string;
  readonly datacontenttype: 'application/json';
  /** Goes up with every event; the order of the events of one subject. Digits of equal length, so that text sorts. */
  readonly sequence: string;
  /** The x-request-id of the request that caused it; left out for what a job did. */
  readonly requestid?: string;
  readonly data: object;
}

/**
 * The Envelope of an event as JSON. The data is passed on as PostgreSQL has it, and everything before it needs no
 * escaping but the request id.
 */
export function envelopeOf({ sequence, id, type, aggregate, data, requestId, occurredAt }: OutboxRow): string {
  const request = requestId === null ? '' : `"requestid":${JSON.stringify(requestId)},`;
  return `{"specversion":"1.0","id":"${id}","source":"${SOURCE}","type":"${type}","subject":"${aggregate}","time":"${occurredAt.toISOString()}","datacontenttype":"application/json","sequence":"${String(sequence).padStart(SEQUENCE_DIGITS, '0')}",${request}"data":${data}}`;
}

/** The JSON Schema (draft 2020-12) of the envelope of a type, with its data. */
export function schemaOf(type: EventType): object {
  const { $schema, ...data } = z.toJSONSchema(EVENT_TYPES[type], { override: asContract });
  const text = { type: 'string' };
  return {
    $schema,
    title: type,
    type: 'object',
    properties: {
      specversion: { const: '1.0' },
      id: { type: 'string', format: 'uuid', description: 'The same in every delivery: drop doubles by it' },
      source: { const: SOURCE },
      type: { const: type },
      subject: { type: 'string', format: 'uuid', description: 'What changed; its events are delivered in order' },
      time: { type: 'string', format: 'date-time' },
      datacontenttype: { const: 'application/json' },
      sequence: { ...text, pattern: `^\\d{${SEQUENCE_DIGITS}}$`, description: 'Goes up with every event' },
      requestid: { ...text, description: 'The x-request-id of the request that caused it' },
      data,
    },
    required: ['specversion', 'id', 'source', 'type', 'subject', 'time', 'datacontenttype', 'sequence', 'data'],
  };
}

/**
 * A format says the same as the long pattern beside it. Fields may be added later: receivers take what they do not know.
 */
function asContract({ jsonSchema }: { readonly jsonSchema: Record<string, unknown> }): void {
  if ('format' in jsonSchema) delete jsonSchema.pattern;
  delete jsonSchema.additionalProperties;
}
