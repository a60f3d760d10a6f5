import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';

/**
 * One request, or one run of a job, while it lasts. The log lines that are written within it carry its names, and it
 * learns of the statements that PostgreSQL runs for it.
 */
export interface Work {
  /** Fields that name it in a log line; undefined once it is over, because what it started may go on for long. */
  readonly names: Readonly<Record<string, string>> | undefined;
  /**
   * @param text of the statement, values included
   * @param ms that it took, in milliseconds
   */
  noteStatement?(text: string, ms: number): void;
}

const current = new AsyncLocalStorage<Work | undefined>();

/** Runs `go`, and everything that it starts, within `work`. */
export function within<T>(work: Work, go: () => T): T {
  return current.run(work, go);
}

/** Runs `go`, and everything that it starts, within no work: for what serves many requests at once. */
export function outside<T>(go: () => T): T {
  return current.run(undefined, go);
}

/** Runs `go` within one run of a job, which has an id of its own. */
export async function withinRun(job: string, go: () => Promise<void>): Promise<void> {
  const work: { names: Work['names'] } = { names: { job, runId: randomUUID() } };
  try {
    await within(work, go);
  } finally {
    work.names = undefined;
  }
}

/** The work within which this is called; undefined outside of any. */
export function currentWork(): Work | undefined {
  return current.getStore();
}

const MAX_TEXT = 2_000;
const MAX_SHOWN = 300;

/** The text of a statement without its values, on one line, and without its end where it is long. */
export function withoutValues(text: string): string {
  const bare = text
    .slice(0, MAX_TEXT)
    // Quotation marks within a value are doubled; a value that was cut off has no end.
    .replace(/'(?:[^']|'')*(?:'|$)/g, '?')
    .replace(/(?<![\w$.])-?\d+(?:\.\d+)?(?!\w)/g, '?')
    .replace(/\s+/g, ' ')
    .trim();
  return bare.length > MAX_SHOWN ? `${bare.slice(0, MAX_SHOWN)} ...` : bare;
}
