import { webcrypto } from 'node:crypto';
import { keptSecret } from '../platform/kept-secret.ts';
import type { Platform } from '../platform/platform.ts';
import type { SalesExport } from './sales-export.ts';
import type { CheckedFilter } from './sales-filter.ts';

export const EXPORT_PATH = '/exports/sales';

/** The key that signs links to exports, and nothing else. */
const exportSecret = keptSecret('export-secret');

/** What a link says, once its signature was verified. */
export interface ReadLink {
  readonly id: string;
  readonly filter: CheckedFilter;
}

/** The link to an export: its id, filter and expiry, and a signature over all of them. */
export async function linkTo(platform: Platform, { id, filter, expiresAt }: SalesExport): Promise<string> {
  const query = new URLSearchParams({ id, expires: expiresAt.toISOString(), filter: JSON.stringify(filter) });
  const signed = await webcrypto.subtle.sign('HMAC', await exportSecret(platform)(), bytesOf(query));
  query.set('signature', Buffer.from(signed).toString('base64url'));
  return `${EXPORT_PATH}?${query}`;
}

/** Reads a link. @returns undefined for one that this deployment did not sign */
export async function readLink(platform: Platform, url: string): Promise<ReadLink | undefined> {
  const query = new URLSearchParams(url.slice(url.indexOf('?') + 1));
  const [signature, another] = query.getAll('signature');
  query.delete('signature');
  if (signature === undefined || another !== undefined) return undefined;
  const given = Buffer.from(signature, 'base64url');
  const isOurs = await webcrypto.subtle.verify('HMAC', await exportSecret(platform)(), given, bytesOf(query));
  if (!isOurs || given.toString('base64url') !== signature) return undefined;
  return { id: query.get('id') as string, filter: JSON.parse(query.get('filter') as string) as CheckedFilter };
}

function bytesOf(query: URLSearchParams): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(query.toString());
}
