import { randomBytes } from 'node:crypto';
import { forkOf, type Platform, perProcess } from '../platform/platform.ts';
import { keepSetting } from '../platform/settings.ts';

/** The key that signs access tokens: AUTH_SECRET, or one made once and kept in PostgreSQL so that all processes agree. */
export const signingSecret: (platform: Platform) => () => Promise<Uint8Array> = perProcess((platform) => {
  let secret: Promise<Uint8Array> | undefined;
  const read = async (): Promise<Uint8Array> => {
    const given = platform.config.AUTH_SECRET;
    const text = given ?? (await keepSetting(forkOf(platform), 'auth-secret', () => randomBytes(32).toString('hex')));
    return new TextEncoder().encode(text);
  };
  return () => {
    secret ??= read().catch((error: unknown) => {
      secret = undefined;
      throw error;
    });
    return secret;
  };
});
