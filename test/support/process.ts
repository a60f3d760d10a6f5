import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Where Node keeps what it has compiled: hundreds of processes start from the same files in one run. */
const COMPILED = fileURLToPath(new URL('../../node_modules/.cache/compiled', import.meta.url));
const KEPT = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '' };

/** One process of the product, started as an operator would start it. */
export interface AppProcess {
  /** Where it serves GraphQL. */
  readonly url: string;
  readonly child: ChildProcess;
  /** What it has logged so far. */
  readonly log: () => string;
  /** What it has printed so far. */
  readonly printed: () => string;
  /** Messages of a preload, by type. */
  readonly messages: { type: string; value: unknown }[];
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/**
 * Starts the product and waits until it serves. Source maps, which few tests read, would cost each start its time.
 * @param env on top of this process' environment without any key of ours
 * @param preload a module of test/support that is loaded first, to switch something off or to watch
 * @param root folder of the checkout whose build is started
 * @throws Error with what it wrote, when it ends before it serves
 */
export async function startProcess(env: Record<string, string>, preload?: string, root = ROOT): Promise<AppProcess> {
  const imports = preload ? ['--import', new URL(preload, import.meta.url).href] : [];
  const child = spawn(process.execPath, [...imports, mainOf(root)], {
    // A machine that runs tests or benches is busy, which no process is to mind.
    env: { ...KEPT, PORT: '0', LOG_LEVEL: 'warn', BUSY_MS: '0', NODE_COMPILE_CACHE: COMPILED, ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let [log, printed] = ['', ''];
  const messages: AppProcess['messages'] = [];
  child.on('message', (message) => messages.push(message as AppProcess['messages'][number]));
  child.stderr?.on('data', (chunk: Buffer) => {
    log += chunk;
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      printed += chunk;
      const served = /serves on (\S+)/.exec(printed)?.[1];
      if (served) resolve(served);
    });
    child.once('exit', (code) => reject(new Error(`the process ended with ${code}: ${printed}${log}`)));
  });
  return { url, child, messages, log: () => log, printed: () => printed, stop: (signal) => stop(child, signal) };
}

/** What a checkout starts: its bundle, where it has one. */
function mainOf(root: string): string {
  const bundled = join(root, 'dist/bundle/main.js');
  return existsSync(bundled) ? bundled : join(root, 'dist/src/main.js');
}

async function stop(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}
