import 'reflect-metadata';
import { setFlagsFromString } from 'node:v8';
import { openApp } from './app.ts';
import { describeApp } from './cli/welcome.ts';
import { ConfigError, readConfig } from './config.ts';
import { closeLog, type Log, openLog } from './platform/log.ts';

// V8 makes the objects of an object literal in the old generation at once where earlier ones outlived a collection. Such an
// object keeps a whole request until the next full collection: without this flag polls cost a quarter more.
setFlagsFromString('--no-allocation-site-pretenuring');

// The reader of the output may have ended (`npm start | head`): the process must still close in order.
for (const output of [process.stdout, process.stderr]) output.on('error', () => undefined);

/**
 * Reads the configuration, opens the app, waits for a signal or an error that nothing caught, closes the app.
 * @returns the exit code
 */
async function main(): Promise<number> {
  const config = readConfig(process.env);
  const log = openLog(config.LOG_LEVEL);
  const ending = Promise.race([told('SIGINT', 'SIGTERM', 'SIGHUP'), uncaught(log)]);
  try {
    const app = await openApp(config, log);
    process.stdout.write(describeApp(app));
    const crash = await ending;
    if (crash) await app.crash(crash.error);
    process.stdout.write('Closing ...\n');
    await app.close();
    return crash ? 1 : 0;
  } finally {
    await closeLog(log);
  }
}

/** Resolves at the first of the signals; later ones do not cut the closing short, since npm sends them twice. */
function told(...signals: NodeJS.Signals[]): Promise<undefined> {
  return new Promise((resolve) => {
    for (const signal of signals) process.on(signal, () => resolve(undefined));
  });
}

/** Resolves with the first error that nothing caught; later ones are logged, and do not cut the closing short. */
function uncaught(log: Log): Promise<{ readonly error: unknown }> {
  return new Promise((resolve) => {
    for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
      process.on(event, (error: unknown) => {
        log.fatal({ err: error, event }, 'an error was not caught: the process ends');
        resolve({ error });
      });
    }
  });
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    const reason =
      error instanceof ConfigError
        ? `Onsale cannot start as configured:\n${error.message}`
        : `Onsale could not start: ${String(error)}`;
    process.stderr.write(`${reason}\n`, () => process.exit(1));
  },
);
