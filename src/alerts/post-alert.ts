import type { IncomingMessage } from 'node:http';
import { type RequestOptions, request } from 'node:https';
import type { Config } from '../config.ts';
import { codeOf } from '../platform/faults.ts';
import { SECOND } from '../platform/units.ts';
import type { Alert, AlertChannel } from './alert.ts';
import { isTrusted, leadsInside } from './channel-url.ts';
import { AddressRefused, lookupPublic } from './public-address.ts';

/** Milliseconds that a post may take, from the DNS lookup to the last byte of the answer. */
export const POST_TIMEOUT_MS = 5 * SECOND;

const MAX_ANSWER_BYTES = 4_096;

/**
 * A new connection for each post: a kept one was checked against an older DNS answer. The lookup gets all addresses.
 */
const CONNECTION = { agent: false, autoSelectFamily: true };

/**
 * Posts an alert to its channel once. Redirects are not followed; only the status of the answer matters. Never throws.
 * @param channel with its URL loaded
 * @returns null for a status 2xx; else the reason, without any part of the URL: `HTTP 500`, or the kind of error, such
 * as `TIMEOUT`
 */
export async function postAlert(alert: Alert, channel: AlertChannel, config: Config): Promise<string | null> {
  try {
    const url = new URL(channel.url);
    if (leadsInside(url, config)) throw new AddressRefused('a host that is not public');
    const status = await post(url, bodyOf(alert, channel), {
      headers: { 'content-type': 'application/json', 'idempotency-key': alert.id },
      ...(!isTrusted(url, config) && { lookup: lookupPublic }),
    });
    return status >= 200 && status < 300 ? null : `HTTP ${status}`;
  } catch (error) {
    return kindOf(error);
  }
}

function bodyOf({ id, text, sendAt }: Alert, { kind }: AlertChannel): string {
  return JSON.stringify(kind === 'SLACK' ? { text } : { id, text, sendAt: sendAt.toISOString() });
}

/** Posts `body`. @returns the status of the answer. @throws Error of the connection, or when POST_TIMEOUT_MS is over */
function post(url: URL, body: string, options: RequestOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(POST_TIMEOUT_MS);
    const asked = request(url, { ...options, ...CONNECTION, method: 'POST', signal });
    asked.on('error', reject);
    asked.once('close', () => reject(new Error('closed without an answer')));
    asked.once('response', (response) => {
      resolve(response.statusCode ?? 0);
      drain(response);
    });
    asked.end(body);
  });
}

/** Reads a short answer to its end and cuts a long one off. */
function drain(response: IncomingMessage): void {
  let bytes = 0;
  response.on('error', () => undefined);
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) response.destroy();
  });
}

function kindOf(error: unknown): string {
  const code = codeOf(error);
  if (code === 'ABORT_ERR') return 'TIMEOUT';
  return code !== undefined && /^[A-Z][A-Z0-9_]{1,60}$/.test(code) ? code : 'NOT_SENT';
}
