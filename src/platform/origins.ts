import type { Config } from '../config.ts';

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/**
 * Whether a page of that origin may call this server: an origin in CORS_ORIGINS or, unless that is set, a page of this
 * machine; always a page that this server serves itself.
 * @param host the request's Host header
 */
export function isAllowedOrigin(config: Config, origin: string, host?: string): boolean {
  if (!URL.canParse(origin)) return false;
  const { hostname, host: originHost } = new URL(origin);
  if (host !== undefined && originHost === host) return true;
  return config.CORS_ORIGINS ? config.CORS_ORIGINS.includes(origin) : LOOPBACK.test(hostname);
}
