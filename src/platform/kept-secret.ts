import { randomBytes, webcrypto } from 'node:crypto';
import type { Config } from '../config.ts';
import { forkOf, type Platform, perProcess } from './platform.ts';
import { keepSetting } from './settings.ts';

/**
 * A key that signs with HMAC-SHA-256: the configured one, or a generated one, kept in PostgreSQL so that all processes use
 * the same. A process imports it once: importing costs as much as verifying a signature.
 * @param name of the setting under which a generated key is kept
 * @param given the key in the configuration, where it may have one
 */
export function keptSecret(
  name: string,
  given: (config: Config) => string | undefined = () => undefined,
): (platform: Platform) => () => Promise<webcrypto.CryptoKey> {
  return perProcess((platform) => {
    let secret: Promise<webcrypto.CryptoKey> | undefined;
    const read = async (): Promise<webcrypto.CryptoKey> => {
      const text =
        given(platform.config) ?? (await keepSetting(forkOf(platform), name, () => randomBytes(32).toString('hex')));
      const algorithm = { name: 'HMAC', hash: 'SHA-256' };
      const bytes = new TextEncoder().encode(text);
      // Extractable: Node.js deprecates making a KeyObject of any other key, and rate-limits.ts signs by one.
      return webcrypto.subtle.importKey('raw', bytes, algorithm, true, ['sign', 'verify']);
    };
    return () => {
      secret ??= read().catch((error: unknown) => {
        secret = undefined;
        throw error;
      });
      return secret;
    };
  });
}
