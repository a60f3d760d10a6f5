import { isUnavailable } from '../platform/faults.ts';
import type { Job, JobWatch } from '../platform/jobs.ts';
import type { Platform } from '../platform/platform.ts';
import { SECOND } from '../platform/units.ts';
import { raiseAlert } from './raise-alert.ts';
import { faultOf } from './raise-fault.ts';
import { isServerSilent } from './watch-servers.job.ts';

const LOOK_MS = SECOND;
/** A look that comes later than this finds that the process stood still, and not that a job is late. */
const MAX_LOOK_MS = 5 * LOOK_MS;

/**
 * Watches the jobs of this process: raises an alert for a run that fails, unless because a server is away or overloaded,
 * and for a job of which no run succeeded for JOB_LATE_SECONDS beyond its interval and what a run may last, once until
 * one succeeds. Time in which PostgreSQL or Redis does not answer is left out: that it is away is an alert of its own.
 */
export function watchJobs(platform: Platform, jobs: readonly Job[]): JobWatch {
  const lateMs = platform.config.JOB_LATE_SECONDS * SECOND;
  /** How long ago a run of a job succeeded last, in milliseconds. */
  const silentMs = new Map(jobs.map((job) => [job, 0]));
  let lookedAt = performance.now();
  const look = (): void => {
    const elapsed = performance.now() - lookedAt;
    lookedAt += elapsed;
    if (elapsed > MAX_LOOK_MS || isServerSilent(platform)) return;
    for (const [job, before] of silentMs) {
      const now = before + elapsed;
      silentMs.set(job, now);
      const longest = job.everyMs + (job.lastsMs ?? 0) + lateMs;
      if (before <= longest && now > longest) raiseLate(platform, job);
    }
  };
  const timer = setInterval(look, LOOK_MS);
  platform.closing.push(() => clearInterval(timer));
  return {
    ended(job, error) {
      if (error === undefined) silentMs.set(job, 0);
      if (error === undefined || isUnavailable(error)) return;
      const text = `The job ${job.name} failed: ${faultOf(error)}. It will be run again; the log has the error.`;
      raiseAlert(platform, 'JOB_FAILED', text, { subject: job.name });
    },
  };
}

function raiseLate(platform: Platform, job: Job): void {
  const seconds = Math.round((job.everyMs + (job.lastsMs ?? 0)) / SECOND) + platform.config.JOB_LATE_SECONDS;
  const text = `The job ${job.name} is late: no run of it succeeded for ${seconds} seconds at one process (pid ${process.pid}).`;
  raiseAlert(platform, 'JOB_LATE', text, { subject: job.name });
  platform.log.warn({ job: job.name }, 'a job is late');
}
