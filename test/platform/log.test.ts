import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, it } from 'vitest';

const LOG = new URL('../../dist/src/platform/log.js', import.meta.url).href;

/** Makes a program take its standard error for a terminal. */
const TERMINAL = "Object.defineProperty(process.stderr, 'isTTY', { value: true });";

/** A program that logs more than a pipe holds, to nobody, and then ends. */
const program = (closing: string, opening: string): string => `
  import { openLog, closeLog } from ${JSON.stringify(LOG)};
  ${opening}
  const log = openLog('info');
  for (let i = 0; i < 2_000; i++) log.info({ i }, 'x'.repeat(200));
  await new Promise((resolve) => setTimeout(resolve, 100));
  ${closing}
  process.exit(0);`;

const started: ReturnType<typeof spawn>[] = [];
afterAll(() => {
  for (const child of started) child.kill('SIGKILL');
});

function run(closing: string, opening = ''): ReturnType<typeof spawn> {
  const args = ['--input-type=module', '-e', program(closing, opening)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  started.push(child);
  return child;
}

// At the same time, because most wait for the patience of a log without a reader.
it.concurrent.each([
  ['', ''],
  [', lines for people too', TERMINAL],
])('a process whose log nobody reads any more ends all the same%s', async (_which, opening) => {
  const child = run('await closeLog(log);', opening);
  const [code] = await once(child, 'exit');
  expect(code).toBe(0);
});

it.concurrent('a process whose log lost its reader ends all the same', async () => {
  const child = run('await closeLog(log);');
  child.stderr?.destroy();
  const [code] = await once(child, 'exit');
  expect(code).toBe(0);
});

it.concurrent('without closing the log it never would: the test can fail', async () => {
  const child = run('');
  await Promise.race([once(child, 'exit'), sleep(3_000)]);
  expect(child.exitCode).toBeNull();
});

it.concurrent('what was logged before the end is written where somebody reads', async () => {
  const child = run('await closeLog(log);');
  let text = '';
  child.stderr?.on('data', (chunk) => {
    text += chunk;
  });
  await once(child, 'close');
  expect(text.trim().split('\n')).toHaveLength(2_000);
  expect(JSON.parse(text.trim().split('\n').at(-1) as string)).toMatchObject({ i: 1_999 });
});

it.concurrent('where standard error is a terminal the lines are written for people, all of them before the end', async () => {
  const asked =
    "log.warn({ requestId: 'one', rootFields: ['pay', 'charge'], outcome: 'ok', durationMs: 5.1 }, 'the last');";
  const child = run(`${asked} await closeLog(log);`, TERMINAL);
  let text = '';
  child.stderr?.on('data', (chunk) => {
    text += chunk;
  });
  const [code] = await once(child, 'close');
  const lines = text.trimEnd().split('\n');
  expect({ code, lines: lines.length }).toEqual({ code: 0, lines: 2_001 });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours of a terminal
  const plain = (lines.at(-1) as string).replace(/\u001b\[\d+m/g, '');
  expect(plain).toMatch(/^\[\d\d:\d\d:\d\d\.\d{3}\] WARN: the last: pay, charge, ok, 5\.1 ms \{"requestId":"one"\}$/);
  expect(plain).not.toBe(lines.at(-1));
});

it.concurrent('the program as it is bundled does so too, and ends in order', async () => {
  const main = new URL('../../dist/bundle/main.js', import.meta.url).href;
  const program = `${TERMINAL} await import(${JSON.stringify(main)});`;
  const env = {
    PATH: process.env.PATH,
    PORT: '0',
    LOG_LEVEL: 'debug',
    DATABASE_URL: 'postgres://u:p@127.0.0.1:1/x',
    REDIS_URL: 'redis://127.0.0.1:1',
  };
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  started.push(child);
  let text = '';
  child.stderr?.on('data', (chunk) => {
    text += chunk;
  });
  const [code] = await once(child, 'close');
  expect(code).toBe(1);
  expect(text).toMatch(/DEBUG.*MikroORM version/);
  expect(text).toMatch(/\nOnsale could not start: .*DATABASE_URL leads to no server/);
  expect(text).not.toContain('"level":20');
});
