import { createHmac, randomUUID } from 'node:crypto';

/** What the servers of a bench sign access tokens with. */
export const AUTH_SECRET = 'a secret of the benches, long enough to sign with';

const HOUR_SECONDS = 3_600;

/** A user id that nobody has, with an access token for it, signed as the product does it: signing up takes long. */
export function newUser(
  role: 'BUYER' | 'OPERATOR' = 'BUYER',
  id: string = randomUUID(),
): { id: string; accessToken: string } {
  const now = Math.floor(Date.now() / 1_000);
  const session = { sid: randomUUID(), ver: 0 };
  const claims = { role, sub: id, iss: 'onsale', aud: 'onsale', iat: now, exp: now + 12 * HOUR_SECONDS, ...session };
  const signed = [{ alg: 'HS256' }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  const signature = createHmac('sha256', AUTH_SECRET).update(signed).digest('base64url');
  return { id, accessToken: `${signed}.${signature}` };
}
