import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { destination, type Logger, pino } from 'pino';
import { prettyFactory } from 'pino-pretty';
import { SECOND } from './units.ts';
import { currentWork } from './work.ts';

export type Log = Logger;

/** Fields that are hidden: PostgreSQL writes whole rows, with secrets, into the detail of an error. */
const HIDDEN = ['authorization', 'password', 'token', 'err.detail', 'err.*.detail'];

/** Bytes that wait for a reader of the log; lines beyond them are lost rather than kept in memory. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

/**
 * A logger that writes to stderr, lines for people where that is a terminal, and JSON lines otherwise; stdout is left to
 * the text that `npm start` prints. Lines that are written within a request or a run of a job carry its names.
 */
export function openLog(level: string): Log {
  const stream = destination({ fd: 2, sync: false, maxLength: MAX_WAITING_BYTES });
  if (process.stderr.isTTY) {
    // Formatted before it is written, so that the stream, and with it `closeLog`, is the same in both cases.
    const format = prettyFactory({
      colorize: true,
      translateTime: 'SYS:HH:MM:ss.l',
      singleLine: true,
      messageFormat: sentenceOf,
      ignore: 'pid,rootFields,outcome,durationMs',
    });
    const write = stream.write.bind(stream);
    stream.write = (line: string) => write(format(line));
  }
  const mixin = (): object => currentWork()?.names ?? {};
  return pino({ level, base: { pid: process.pid }, redact: HIDDEN, mixin }, stream);
}

/** The text of a line for people; of an operation also its root fields, what came of it, and how long it took. */
function sentenceOf({ msg = '', rootFields, outcome, durationMs }: Record<string, unknown>): string {
  const asked = Array.isArray(rootFields) ? `${msg}: ${rootFields.join(', ')}` : String(msg);
  const took = durationMs === undefined ? [] : [`${durationMs} ms`];
  return [asked, ...(outcome === undefined ? [] : [outcome]), ...took].join(', ');
}

/** Milliseconds that closing waits for a reader that takes no bytes; a slow reader gets up to MAX_WAITS of these. */
const WAIT_MS = 2 * SECOND;
const MAX_WAITS = 4;

/**
 * Writes the remaining lines, while the reader takes them. Nothing can be logged afterwards. Without this, pino would
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
