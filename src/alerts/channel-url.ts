import { isIP } from 'node:net';
import { textOf } from '../api/input.ts';
import { badInput } from '../api/problems.ts';
import type { Config } from '../config.ts';
import { hostOf } from '../config-values.ts';
import { isPublicAddress } from './public-address.ts';

const MAX_CHARACTERS = 2_000;

/** Names that mean this machine everywhere (RFC 6761). */
const LOCALHOST = /^(.+\.)?localhost\.?$/;

/**
 * The URL of a channel in its one spelling.
 * @throws CallerError BAD_USER_INPUT, quoting nothing of it: more than 2,000 characters, no https URL, a user or password
 * in it, or a host that says by itself that it is not public, unless ALERT_HOSTS has it. Where a name leads is judged
 * when an alert is sent
 */
export function channelUrlOf(given: string, config: Config): string {
  const text = textOf('url', given, 1, MAX_CHARACTERS);
  if (!URL.canParse(text) || new URL(text).protocol !== 'https:') throw badInput('url must be an https URL.');
  const url = new URL(text);
  if (url.username || url.password) throw badInput('url must not have a user or a password in it.');
  if (leadsInside(url, config)) throw badInput('url must not lead to a loopback, private or reserved address.');
  return url.href;
}

/** Whether the host, by itself, is none that alerts may be sent to. */
export function leadsInside(url: URL, config: Config): boolean {
  const host = hostOf(url);
  if (isTrusted(url, config)) return false;
  return isIP(host) === 0 ? LOCALHOST.test(host) : !isPublicAddress(host);
}

/** Whether the operator of this deployment has named the host in ALERT_HOSTS. */
export function isTrusted(url: URL, { ALERT_HOSTS = [] }: Config): boolean {
  return ALERT_HOSTS.includes(hostOf(url));
}
