import type { IncomingMessage } from 'node:http';
import { type RequestOptions, request } from 'node:https';
import type { Config } from '../config.ts';
import { codeOf } from '../platform/faults.ts';
import { SECOND } from '../platform/units.ts';
import type { AlertChannelKind } from './alert-channel.ts';
import { isTrusted, leadsInside } from './channel-url.ts';
import { AddressRefused, lookupPublic } from './public-address.ts';

/** From the first look at the DNS to the last byte of the answer. */
export const POST_TIMEOUT_MS = 5 * SECOND;

const MAX_ANSWER_BYTES = 4_096;

/** A connection of its own: one that is kept was judged by an older answer of the DNS. The lookup gets all addresses. */
const CONNECTION = { agent: false, autoSelectFamily: true };

/** What is sent, and where to. */
export interface Posting {
  readonly id: string;
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly sendAt: number;
  readonly kind: AlertChannelKind;
  readonly url: string;
}

/**
 * Sends it once. Redirects are not followed; of the answer only the status matters.
 * @returns null when it was taken (2xx), else why not, in words that say nothing of the URL: `HTTP 500`, or the kind of
 * error, such as `TIMEOUT`. Never throws
 */
export async function postAlert(posting: Posting, config: Config): Promise<string | null> {
  try {
    const url = new URL(posting.url);
    if (leadsInside(url, config)) throw new AddressRefused('a host that is not public');
    const status = await post(url, bodyOf(posting), {
      headers: { 'content-type': 'application/json', 'idempotency-key': posting.id },
      ...(!isTrusted(url, config) && { lookup: lookupPublic }),
    });
    return status >= 200 && status < 300 ? null : `HTTP ${status}`;
  } catch (error) {
    return kindOf(error);
  }
}

function bodyOf({ id, text, sendAt, kind }: Posting): string {
  return JSON.stringify(kind === 'SLACK' ? { text } : { id, text, sendAt: new Date(sendAt).toISOString() });
}

/** Answers the status. */
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

/** Lets a short answer come to its end, and breaks off a long one. */
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
