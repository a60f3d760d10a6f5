import { hash, randomBytes } from 'node:crypto';
import { parseId } from '../platform/ids.ts';

/** Prefix of all Redis keys of one queue; the braces keep them on one node of a Redis Cluster. */
export function queueKey(queueId: string): string {
  return `{q:${queueId}}`;
}

const SECRET_BYTES = 16;
const PART = 22;
const VALUE = /^[\w-]{44}$/;

/** A new secret of a token: 128 random bits. */
export function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url');
}

/** A token's value: which queue it belongs to, then its secret. */
export function tokenValueOf(queueId: string, secret: string): string {
  return Buffer.from(queueId.replaceAll('-', ''), 'hex').toString('base64url') + secret;
}

/** The queue that the token's value belongs to; undefined for text that cannot be a value. */
export function queueIdOf(value: string): string | undefined {
  if (!VALUE.test(value)) return undefined;
  const hex = Buffer.from(value.slice(0, PART), 'base64url').toString('hex');
  const id = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  return parseId(id);
}

/** The token's public id: SHA-256 of its value, lower-case hex. It opens nothing. */
export function hashOf(value: string): string {
  return hash('sha256', value);
}

/**
 * What the token is kept under in Redis: 124 bits of its hash. The first 4 hex digits say which of 65,536 hashes it
 * shares with others while it waits (token.lua), the rest is base64url.
 */
export function tokenIdOf(tokenHash: string): string {
  return tokenHash.slice(0, 4) + Buffer.from(tokenHash.slice(4, 32), 'hex').toString('base64url');
}
