import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/**
 * Asks `url` small questions from a process of its own while `work` runs.
 * @returns how many milliseconds the slowest answer took
 */
export async function slowestWhile(url: string, work: () => Promise<unknown>): Promise<number> {
  const prober = fork(fileURLToPath(new URL('./prober.ts', import.meta.url)), [url]);
  await once(prober, 'message');
  await work();
  prober.send('stop');
  const [{ longestMs }] = (await once(prober, 'message')) as [{ longestMs: number }];
  return longestMs;
}
