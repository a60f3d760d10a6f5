import { once } from 'node:events';
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

/** A reader that took nothing for so long is not waited for; nor is a slow one for longer than several of these. */
const PATIENCE_MS = 2 * SECOND;
const MAX_WAITS = 4;

/**
 * Writes what is still to be written, as long as somebody takes it. Nothing can be logged afterwards: at the end of the
 * process pino would go on trying for ever where nobody reads its output any more.
 */
export async function closeLog(log: Log): Promise<void> {
  const stream = (log as unknown as { [pino.symbols.streamSym]: ReturnType<typeof destination> })[
    pino.symbols.streamSym
  ];
  let isTaken = true;
  stream.on('write', () => {
    isTaken = true;
  });
  // Not `flush`: without a minLength that calls back at once, whatever is still to be written. An error: the reader is gone.
  const over = once(stream, 'close').then(
    () => true,
    () => true,
  );
  stream.end();
  for (let waits = 0; isTaken && waits < MAX_WAITS; waits++) {
    isTaken = false;
    if (await Promise.race([over, sleep(PATIENCE_MS, false)])) return;
  }
  stream.destroy();
}
