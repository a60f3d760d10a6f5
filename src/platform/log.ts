import { destination, type Logger, pino } from 'pino';

export type Log = Logger;

/** What must not be read in a log: PostgreSQL puts whole rows into the detail of an error, secrets and all. */
const HIDDEN = ['authorization', 'password', 'token', 'err.detail', 'err.*.detail'];

/** A logger that writes JSON lines to stderr, so that stdout stays free for what `npm start` tells a person. */
export function openLog(level: string): Log {
  return pino({ level, base: { pid: process.pid }, redact: HIDDEN }, destination({ fd: 2, sync: false }));
}
