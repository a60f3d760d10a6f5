import { timingSafeEqual, webcrypto } from 'node:crypto';
import { parseId } from '../platform/ids.ts';
import { keptSecret } from '../platform/kept-secret.ts';
import type { Platform } from '../platform/platform.ts';

const ID_BYTES = 16;
/** Half of an HMAC-SHA-256: a code of 43 characters fits into a small QR code, and 128 bits cannot be guessed. */
const SIGNATURE_BYTES = 16;

/** The key that signs the codes of tickets, and nothing else. */
const ticketKey = keptSecret('ticket-key');

/** The code of a ticket: its id and a signature, as 43 characters of base64url. */
export async function codeOf(platform: Platform, ticketId: string): Promise<string> {
  const id = Buffer.from(ticketId.replaceAll('-', ''), 'hex');
  return Buffer.concat([id, await signatureOf(platform, id)]).toString('base64url');
}

/**
 * The id of the ticket that a code was made for; there may be no such ticket any more.
 * @returns undefined for a code that was forged or altered, in whichever character
 */
export async function ticketIdIn(platform: Platform, code: string): Promise<string | undefined> {
  const bytes = Buffer.from(code, 'base64url');
  // The last character has bits that are not read: a code is valid in one spelling only.
  if (bytes.length !== ID_BYTES + SIGNATURE_BYTES || bytes.toString('base64url') !== code) return undefined;
  const id = bytes.subarray(0, ID_BYTES);
  if (!timingSafeEqual(bytes.subarray(ID_BYTES), await signatureOf(platform, id))) return undefined;
  return parseId(id.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'));
}

async function signatureOf(platform: Platform, id: Buffer): Promise<Buffer> {
  const signature = await webcrypto.subtle.sign('HMAC', await ticketKey(platform)(), id);
  return Buffer.from(signature).subarray(0, SIGNATURE_BYTES);
}
