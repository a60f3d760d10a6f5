import { randomUUID } from 'node:crypto';
import { loadScript, runScript } from '../platform/lua.ts';
import type { Platform } from '../platform/platform.ts';
import { SECOND } from '../platform/units.ts';
import { queueKey } from './queue-keys.ts';

const LEASE = loadScript(import.meta.url, 'lease');

/** A process that does not renew it for so long has ended, or hangs: another one may go on. */
const LEASE_MS = 3 * SECOND;
const RENEW_EVERY_MS = 1 * SECOND;

/**
 * Takes the lease of a queue and renews it until it is given back. It spares work and guards nothing: what is done under
 * it must be safe to be done by two at once.
 * @returns a function that gives it back; undefined while another has it
 */
export async function takeLease(platform: Platform, queueId: string): Promise<(() => Promise<void>) | undefined> {
  const owner = randomUUID();
  const lease = (ms: number): Promise<number> => runScript(platform.redis, LEASE, queueKey(queueId), [owner, ms]);
  if ((await lease(LEASE_MS)) !== 1) return undefined;
  const timer = setInterval(() => lease(LEASE_MS).catch(() => undefined), RENEW_EVERY_MS);
  return async () => {
    clearInterval(timer);
    await lease(0).catch(() => undefined);
  };
}
