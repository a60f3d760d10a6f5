import { raiseAlert } from '../alerts/raise-alert.ts';
import type { Job } from '../platform/jobs.ts';
import { urlOf } from '../platform/postgres.ts';
import { MINUTE } from '../platform/units.ts';
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
    const { checks } = await runChecks(urlOf(platform.orm), Math.min(MAX_MS, intervalMs));
    const broken = checks.filter(({ violations }) => violations > 0);
    if (broken.length === 0) return;
    const rules = broken.map(({ name, violations, rule }) => `${name}: ${violations} violations. ${rule}`);
    raiseAlert(platform, 'AUDIT_VIOLATION', `The audit found rules that do not hold.\n${rules.join('\n')}`);
  },
};
