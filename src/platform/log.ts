import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { destination, type Logger, pino } from 'pino';
import { SECOND } from './units.ts';

export type Log = Logger;

/** Fields that are hidden: PostgreSQL writes whole rows, with secrets, into the detail of an error. */
const HIDDEN = ['authorization', 'password', 'token', 'err.detail', 'err.*.detail'];

/** A logger that writes JSON lines to stderr; stdout is for what `npm start` prints for a person. */
export function openLog(level: string): Log {
  return pino({ level, base: { pid: process.pid }, redact: HIDDEN }, destination({ fd: 2, sync: false }));
}

/** How long closing waits for a reader that takes nothing; a slow reader gets several of these. */
const WAIT_MS = 2 * SECOND;
const MAX_WAITS = 4;

/**
 * Writes what is still to be written, while the reader takes it. Nothing can be logged afterwards: without this pino would
 * try forever at the end of a process whose output has no reader any more.
 */
export async function closeLog(log: Log): Promise<void> {
  const stream = (log as unknown as { [pino.symbols.streamSym]: ReturnType<typeof destination> })[
    pino.symbols.streamSym
  ];
  let isTaken = true;
  stream.on('write', () => {
    isTaken = true;
  });
  // Not `flush`, which calls back at once without a minLength. An error means that the reader is gone.
  const over = once(stream, 'close').then(
    () => true,
    () => true,
  );
  stream.end();
  for (let waits = 0; isTaken && waits < MAX_WAITS; waits++) {
    isTaken = false;
    if (await Promise.race([over, sleep(WAIT_MS, false)])) return;
  }
  stream.destroy();
}
