import { randomBytes, webcrypto } from 'node:crypto';
import { forkOf, type Platform, perProcess } from '../platform/platform.ts';
import { keepSetting } from '../platform/settings.ts';

/**
 * The key that signs access tokens: AUTH_SECRET, or a generated key, kept in PostgreSQL so that all processes use the
 * same. A process imports it once: importing costs as much as verifying a token.
 */
export const signingSecret: (platform: Platform) => () => Promise<webcrypto.CryptoKey> = perProcess((platform) => {
  let secret: Promise<webcrypto.CryptoKey> | undefined;
  const read = async (): Promise<webcrypto.CryptoKey> => {
    const given = platform.config.AUTH_SECRET;
    const text = given ?? (await keepSetting(forkOf(platform), 'auth-secret', () => randomBytes(32).toString('hex')));
    const algorithm = { name: 'HMAC', hash: 'SHA-256' };
    return webcrypto.subtle.importKey('raw', new TextEncoder().encode(text), algorithm, false, ['sign', 'verify']);
  };
  return () => {
    secret ??= read().catch((error: unknown) => {
      secret = undefined;
      throw error;
    });
    return secret;
  };
});
