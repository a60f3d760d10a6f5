import type { IncomingMessage } from 'node:http';
import { type Agent, type RequestOptions, request } from 'node:https';
import { isIP } from 'node:net';
import type { Config } from '../config.ts';
import { codeOf } from './faults.ts';
import { AddressRefused, hostOf, isPublicAddress, lookupPublic } from './public-address.ts';
import { SECOND } from './units.ts';

/** Milliseconds that a post may take, from the DNS lookup to the last byte of the answer. */
export const POST_TIMEOUT_MS = 5 * SECOND;

const MAX_ANSWER_BYTES = 4_096;

/** Names that always mean the local machine (RFC 6761). */
const LOCALHOST = /^(.+\.)?localhost\.?$/;

/** The lookup gets all addresses. */
const CONNECTION = { autoSelectFamily: true };

/**
 * Judges a URL that operators want posts sent to. Addresses that a host name resolves to are checked when a post is
 * sent.
 * @returns the URL in its canonical spelling, or the end of the sentence "url ..." that says what is wrong, without any
 * part of the URL: it is not an https URL, has a user or password in it, or its host
 * is by itself not public and not in ALERT_HOSTS
 */
export function judgeUrl(text: string, config: Config): { readonly url: string } | { readonly fault: string } {
  if (!URL.canParse(text) || new URL(text).protocol !== 'https:') {
    return { fault: 'must be an https URL' };
  }
  const url = new URL(text);
  if (url.username || url.password) return { fault: 'must not have a user or a password in it' };
  if (leadsInside(url, config)) return { fault: 'must not lead to a loopback, private or reserved address' };
  return { url: url.href };
}

/** Whether the host is, by its name or address alone, one that posts must not be sent to. */
function leadsInside(url: URL, config: Config): boolean {
  const host = hostOf(url);
  if (isTrusted(url, config)) return false;
  return isIP(host) === 0 ? LOCALHOST.test(host) : !isPublicAddress(host);
}

/** Whether ALERT_HOSTS has the host. */
function isTrusted(url: URL, { ALERT_HOSTS = [] }: Config): boolean {
  return ALERT_HOSTS.includes(hostOf(url));
}

/**
 * Posts JSON once to a URL that `judgeUrl` has accepted. Redirects are not followed; only the status of the answer
 * matters. Never throws.
 * @param agent keeps connections for the next posts; left out, each post has a connection of its own. A connection leads
 * to an address that was checked when it was made
 * @returns null for a status 2xx; else the reason, without any part of the URL: `HTTP 500`, or the kind of error, such
 * as `TIMEOUT`
 */
export async function postJson(
  text: string,
  body: string,
  headers: Readonly<Record<string, string>>,
  config: Config,
  agent: Agent | false = false,
): Promise<string | null> {
  try {
    const url = new URL(text);
    if (leadsInside(url, config)) throw new AddressRefused('a host that is not public');
    const status = await post(url, body, {
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers },
      agent,
      ...(!isTrusted(url, config) && { lookup: lookupPublic }),
    });
    return status >= 200 && status < 300 ? null : `HTTP ${status}`;
  } catch (error) {
    return kindOf(error);
  }
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

/**
 * Why nothing was sent, for operators: `TIMEOUT` when the time was over, else the code of `error`, such as `ECONNREFUSED`,
 * or `NOT_SENT`. Never any text of the error.
 */
export function kindOf(error: unknown): string {
  const code = codeOf(error);
  if (code === 'ABORT_ERR') return 'TIMEOUT';
  return code !== undefined && /^[A-Z][A-Z0-9_]{1,60}$/.test(code) ? code : 'NOT_SENT';
}
