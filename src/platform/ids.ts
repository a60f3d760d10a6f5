import { v7 } from 'uuid';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** A new id: a UUID of version 7, so that ids made later sort later. */
export function newId(): string {
  return v7();
}

/** @returns the id in its canonical spelling; undefined when `text` cannot be an id */
export function parseId(text: string): string | undefined {
  return UUID.test(text) ? text.toLowerCase() : undefined;
}
