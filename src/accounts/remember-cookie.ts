import { hash, randomBytes, webcrypto } from 'node:crypto';
import type { Context } from '../api/context.ts';
import { keptSecret } from '../platform/kept-secret.ts';
import type { Platform } from '../platform/platform.ts';
import { SECOND } from '../platform/units.ts';
import { type CookieHashes, REMEMBERED_MS } from './session.ts';

const NAME = 'onsale-session';

/** The key by which a cookie follows from the one before. */
const cookieSecret = keptSecret('cookie-secret');

/** A cookie: the part that stays as long as its session, and the part that is another one after each use. */
interface Parts {
  readonly series: string;
  readonly cookie: string;
}

/** @returns the parts of a session's first cookie */
export function newCookie(): Parts {
  return { series: randomBytes(16).toString('base64url'), cookie: randomBytes(32).toString('base64url') };
}

/** Reads the cookie that came with a request; undefined where none came, or one of another form. */
export function readCookie({ client: { cookies } }: Context): Parts | undefined {
  const sent = new RegExp(`(?:^|; *)${NAME}=([\\w-]{22})\\.([\\w-]{43})(?:;|$)`).exec(cookies?.sent ?? '');
  return sent ? { series: sent[1] as string, cookie: sent[2] as string } : undefined;
}

/**
 * The cookie after this one. It is the same each time, so that of two requests with one cookie each gets it, and nobody
 * without the secret can work it out.
 */
export async function cookieAfter(platform: Platform, { series, cookie }: Parts): Promise<Parts> {
  const secret = await cookieSecret(platform)();
  const signed = await webcrypto.subtle.sign('HMAC', secret, Buffer.from(`${series}.${cookie}`));
  return { series, cookie: Buffer.from(signed).toString('base64url') };
}

/** What PostgreSQL keeps of a cookie. */
export function hashesOf({ series, cookie }: Parts): CookieHashes {
  return { series: hash('sha256', series), cookie: hash('sha256', cookie) };
}

/** Gives the browser a cookie for 30 days, which it sends to GraphQL alone and shows to no script. */
export function sendCookie(context: Context, { series, cookie }: Parts): void {
  send(context, `${series}.${cookie}`, REMEMBERED_MS / SECOND);
}

/** Has the browser forget its cookie, if it sent one. */
export function forgetCookie(context: Context): void {
  if (hasCookie(context.client.cookies?.sent)) send(context, '', 0);
}

/** @param sent the header `cookie` of a request @returns whether it has a cookie of ours, of whatever form */
export function hasCookie(sent: string | undefined): boolean {
  return sent?.includes(`${NAME}=`) === true;
}

function send({ client, platform }: Context, value: string, seconds: number): void {
  const secure = platform.config.NODE_ENV === 'production' ? '; Secure' : '';
  client.cookies?.set(`${NAME}=${value}; Path=/graphql; Max-Age=${seconds}; HttpOnly; SameSite=Strict${secure}`);
}
