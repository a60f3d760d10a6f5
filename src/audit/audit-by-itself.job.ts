import { raiseAlert } from '../alerts/raise-alert.ts';
import { isUnavailable } from '../platform/faults.ts';
import type { Job } from '../platform/jobs.ts';
import type { Platform } from '../platform/platform.ts';
import { urlOf } from '../platform/postgres.ts';
import { MINUTE, SECOND } from '../platform/units.ts';
import { runChecks } from './run-checks.ts';

/** Key of the right to run the audit; it ends when the next one is due. */
const AUDITED = 'onsale:audited';

/** Milliseconds that the audit may take, and never longer than until the next one is due. */
const MAX_MS = 30 * MINUTE;

/** Runs the audit every AUDIT_MINUTES, in one process at a time, and raises an alert for rules that are broken. */
export const auditByItself: Job = {
  name: 'audit',
  everyMs: MINUTE,
  lastsMs: MAX_MS,
  async run(platform) {
    const intervalMs = platform.config.AUDIT_MINUTES * MINUTE;
    if (intervalMs === 0) return;
    if ((await platform.redis.set(AUDITED, '1', 'PX', intervalMs, 'NX')) === null) return;
    const broken = await brokenRules(platform, Math.min(MAX_MS, intervalMs));
    if (broken.length === 0) return;
    raiseAlert(platform, 'AUDIT_VIOLATION', `The audit found rules that do not hold.\n${broken.join('\n')}`);
  },
};

/** @returns a line for each rule that does not hold. @throws Error when it takes longer than `maxMs` */
async function brokenRules(platform: Platform, maxMs: number): Promise<string[]> {
  const begunAt = performance.now();
  try {
    const { checks } = await runChecks(urlOf(platform.orm), maxMs);
    const broken = checks.filter(({ violations }) => violations > 0);
    return broken.map(({ name, violations, rule }) => `${name}: ${violations} violations. ${rule}`);
  } catch (error) {
    // It was ended in a way that looks like an outage, of which no alert would be raised.
    if (performance.now() - begunAt >= maxMs) throw new Error(`the audit took longer than ${maxMs / SECOND} seconds`);
    // After an outage it is due at once.
    if (isUnavailable(error)) await platform.redis.del(AUDITED);
    throw error;
  }
}
