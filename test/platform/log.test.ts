import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';

const LOG = new URL('../../dist/src/platform/log.js', import.meta.url).href;

/** A program that logs more than a pipe holds, to nobody, and then ends. */
const program = (closing: string): string => `
  import { openLog, closeLog } from ${JSON.stringify(LOG)};
  const log = openLog('info');
  for (let i = 0; i < 2_000; i++) log.info({ i }, 'x'.repeat(200));
  await new Promise((resolve) => setTimeout(resolve, 100));
  ${closing}
  process.exit(0);`;

const started: ReturnType<typeof spawn>[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});

function run(closing: string): ReturnType<typeof spawn> {
  const args = ['--input-type=module', '-e', program(closing)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  started.push(child);
  return child;
}

it('a process whose log nobody reads any more ends all the same', async () => {
  const child = run('await closeLog(log);');
  const [code] = await once(child, 'exit');
  expect(code).toBe(0);
});

it('a process whose log lost its reader ends all the same', async () => {
  const child = run('await closeLog(log);');
  child.stderr?.destroy();
  const [code] = await once(child, 'exit');
  expect(code).toBe(0);
});

it('without closing the log it never would: the test can fail', async () => {
  const child = run('');
  await Promise.race([once(child, 'exit'), sleep(3_000)]);
  expect(child.exitCode).toBeNull();
});

it('what was logged before the end is written where somebody reads', async () => {
  const child = run('await closeLog(log);');
  let text = '';
  child.stderr?.on('data', (chunk) => {
    text += chunk;
  });
  await once(child, 'close');
  expect(text.trim().split('\n')).toHaveLength(2_000);
  expect(JSON.parse(text.trim().split('\n').at(-1) as string)).toMatchObject({ i: 1_999 });
});
