import { randomUUID } from 'node:crypto';
import { v7 } from 'uuid';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;

/** Sorts before every id. */
export const FIRST_ID = '00000000-0000-0000-0000-000000000000';

/** A new id: a UUID of version 7, so that ids made later sort later. */
export function newId(): string {
  return v7();
}

/** @returns the first id that `newId` makes at an instant, by the clock of the process that makes it */
export function firstIdOf(at: Date): string {
  return v7({ msecs: at.getTime(), seq: 0, random: new Uint8Array(16) });
}

/** @returns the id in its canonical spelling; undefined when `text` cannot be an id */
export function parseId(text: string): string | undefined {
  return UUID.test(text) ? text.toLowerCase() : undefined;
}

/** The first 24 characters of the request ids that this process makes. */
const OF_PROCESS = randomUUID().slice(0, 24);
let requests = 0;

/** A new id of a request: a UUID that ends in a number, because a random one would cost a poll a hundredth of its time. */
export function newRequestId(): string {
  return OF_PROCESS + (requests++).toString(16).padStart(12, '0');
}

/** @returns the id that a client gave its request; undefined when it gave none, or one that may not stand in a log */
export function requestIdOf(given: unknown): string | undefined {
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : undefined;
}
