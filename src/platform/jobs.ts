import { isUnavailable } from './faults.ts';
import type { Platform } from './platform.ts';
import { withinRun } from './work.ts';

/** Work that a process repeats while it lives; safe to run twice, and in several processes at once. */
export interface Job {
  readonly name: string;
  /** Milliseconds from the end of one run to the start of the next. */
  readonly everyMs: number;
  /** Milliseconds that a run may well last; next to nothing when left out. */
  readonly lastsMs?: number;
  run(platform: Platform): Promise<void>;
}

/** Is told how jobs go. */
export interface JobWatch {
  /** A run ended: well, or with `error`. */
  ended(job: Job, error?: unknown): void;
}

/** Starts the jobs and adds their end to `platform.closing`. A run that fails is logged, and the job continues. */
export function startJobs(platform: Platform, jobs: readonly Job[], watch: JobWatch): void {
  const stops = jobs.map((job) => startJob(platform, job, watch));
  platform.closing.push(async () => {
    await Promise.all(stops.map((stop) => stop()));
  });
}

function startJob(platform: Platform, job: Job, watch: JobWatch): () => Promise<void> {
  let ended = false;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  let failing = false;
  const turn = async (): Promise<void> => {
    try {
      await job.run(platform);
      failing = false;
      watch.ended(job);
    } catch (error) {
      // An outage fails every run: only its first failure is a warning.
      const level = failing && isUnavailable(error) ? 'debug' : 'warn';
      platform.log[level]({ job: job.name, error: String(error) }, 'a job failed and will be run again');
      failing = true;
      watch.ended(job, error);
    }
    if (!ended) timer = setTimeout(start, job.everyMs);
  };
  const start = (): void => {
    running = withinRun(job.name, turn);
  };
  timer = setTimeout(start, job.everyMs);
  return async () => {
    ended = true;
    clearTimeout(timer);
    await running;
  };
}
