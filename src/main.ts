import 'reflect-metadata';
import { openApp } from './app.ts';
import { describeApp } from './cli/welcome.ts';
import { ConfigError, readConfig } from './config.ts';
import { closeLog, openLog } from './platform/log.ts';

// The reader of the output may have ended (`npm start | head`): the process must still close in order.
for (const output of [process.stdout, process.stderr]) output.on('error', () => undefined);

/** Reads the configuration, opens the app, waits for a signal, closes it. */
async function main(): Promise<void> {
  const config = readConfig(process.env);
  const log = openLog(config.LOG_LEVEL);
  const signal = told('SIGINT', 'SIGTERM', 'SIGHUP');
  try {
    const app = await openApp(config, log);
    process.stdout.write(describeApp(app));
    await signal;
    process.stdout.write('Closing ...\n');
    await app.close();
  } finally {
    await closeLog(log);
  }
}

/** Resolves at the first of the signals; later ones do not cut the closing short, since npm sends them twice. */
function told(...signals: NodeJS.Signals[]): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of signals) process.on(signal, () => resolve());
  });
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    const reason =
      error instanceof ConfigError
        ? `Onsale cannot start as configured:\n${error.message}`
        : `Onsale could not start: ${String(error)}`;
    process.stderr.write(`${reason}\n`, () => process.exit(1));
  },
);
