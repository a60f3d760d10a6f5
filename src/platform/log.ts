import { destination, type Logger, pino } from 'pino';

export type Log = Logger;

/** A logger that writes JSON lines to stderr, so that stdout stays free for what `npm start` tells a person. */
export function openLog(level: string): Log {
  return pino(
    { level, base: { pid: process.pid }, redact: ['authorization', 'password', 'token'] },
    destination({ fd: 2, sync: false }),
  );
}
