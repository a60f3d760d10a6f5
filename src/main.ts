import 'reflect-metadata';
import { openApp } from './app.ts';
import { ConfigError, readConfig } from './config.ts';
import { openLog } from './platform/log.ts';
import { describeApp } from './welcome.ts';

/** Reads the configuration, opens the app, waits for a signal, closes it. */
async function main(): Promise<void> {
  const config = readConfig(process.env);
  const log = openLog(config.LOG_LEVEL);
  const signal = Promise.race([once('SIGINT'), once('SIGTERM')]);
  const app = await openApp(config, log);
  process.stdout.write(describeApp(app));
  await signal;
  process.stdout.write('Closing ...\n');
  await app.close();
}

function once(signal: NodeJS.Signals): Promise<void> {
  return new Promise((resolve) => process.once(signal, () => resolve()));
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
