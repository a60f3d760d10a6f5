import { setTimeout as sleep } from 'node:timers/promises';
import { destination, type Logger, pino } from 'pino';
import { SECOND } from './units.ts';

export type Log = Logger;

/** What must not be read in a log: PostgreSQL puts whole rows into the detail of an error, secrets and all. */
const HIDDEN = ['authorization', 'password', 'token', 'err.detail', 'err.*.detail'];

/** A logger that writes JSON lines to stderr, so that stdout stays free for what `npm start` tells a person. */
export function openLog(level: string): Log {
  return pino({ level, base: { pid: process.pid }, redact: HIDDEN }, destination({ fd: 2, sync: false }));
}

/**
 * Writes what is still to be written, for a second at most. Nothing can be logged afterwards: at the end of the process
 * pino would go on trying for ever where nobody reads its output any more.
 */
export async function closeLog(log: Log): Promise<void> {
  const flushed = new Promise<void>((resolve) => log.flush(() => resolve()));
  await Promise.race([flushed, sleep(SECOND)]);
  (log as unknown as { [pino.symbols.streamSym]: { destroy(): void } })[pino.symbols.streamSym].destroy();
}
