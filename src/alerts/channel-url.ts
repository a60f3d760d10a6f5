import { isIP } from 'node:net';
import { textOf } from '../api/input.ts';
import { badInput } from '../api/problems.ts';
import { type Config, hostOf } from '../config.ts';
import { isPublicAddress } from './public-address.ts';

const MAX_CHARACTERS = 2_000;

/** Names that always mean the local machine (RFC 6761). */
const LOCALHOST = /^(.+\.)?localhost\.?$/;

/**
 * Checks the URL of a channel. Addresses that a host name resolves to are checked when an alert is sent.
 * @param given the text of the URL
 * @returns the URL in its canonical spelling
 * @throws CallerError BAD_USER_INPUT, without any part of the URL in the message, for text that is not an https URL or
 * has more than 2,000 characters, for a user or password in it, and for a host that is by itself not public, unless it
 * is in ALERT_HOSTS
 */
export function channelUrlOf(given: string, config: Config): string {
  const text = textOf('url', given, 1, MAX_CHARACTERS);
  if (!URL.canParse(text) || new URL(text).protocol !== 'https:') throw badInput('url must be an https URL.');
  const url = new URL(text);
  if (url.username || url.password) throw badInput('url must not have a user or a password in it.');
  if (leadsInside(url, config)) throw badInput('url must not lead to a loopback, private or reserved address.');
  return url.href;
}

/** Whether the host is, by its name or address alone, one that alerts must not be sent to. */
export function leadsInside(url: URL, config: Config): boolean {
  const host = hostOf(url);
  if (isTrusted(url, config)) return false;
  return isIP(host) === 0 ? LOCALHOST.test(host) : !isPublicAddress(host);
}

/** Whether ALERT_HOSTS has the host. */
export function isTrusted(url: URL, { ALERT_HOSTS = [] }: Config): boolean {
  return ALERT_HOSTS.includes(hostOf(url));
}
