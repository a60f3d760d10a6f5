import { v7 } from 'uuid';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;

/** A new id: a UUID of version 7, so that ids made later sort later. */
export function newId(): string {
  return v7();
}

/** @returns the id in its canonical spelling; undefined when `text` cannot be an id */
export function parseId(text: string): string | undefined {
  return UUID.test(text) ? text.toLowerCase() : undefined;
}

/** @returns the id that a client gave its request; undefined when it gave none, or one that may not stand in a log */
export function requestIdOf(given: unknown): string | undefined {
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : undefined;
}
