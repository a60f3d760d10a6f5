// Starts the app as a newcomer does, waits until it serves, presses Ctrl-C, and looks for what it left behind.
// Needs /proc. Usage: node .ci/start-and-stop.mjs FOLDER, an empty folder for its data.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const START_MS = 120_000;
const STOP_MS = 20_000;

async function main(folder) {
  const port = await freePort();
  const env = { ...process.env, DATA_DIR: join(folder, 'data'), PORT: String(port), HOST: '127.0.0.1' };
  for (const key of ['DATABASE_URL', 'REDIS_URL']) delete env[key];
  // A group of its own, as a terminal gives to what is started in it.
  const app = spawn('npm', ['start'], { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [app.stdout, app.stderr]) stream.on('data', (chunk) => (said += chunk));
  const problem = await startAndStop(app, `http://127.0.0.1:${port}/health/ready`);
  if (problem === undefined) return;
  process.stdout.write(`${said}\n${problem}\n`);
  process.exitCode = 1;
}

async function startAndStop(app, address) {
  const isReady = await until(START_MS, async () => app.exitCode !== null || (await answers(address)));
  if (!isReady || app.exitCode !== null) {
    endGroup(app, 'SIGKILL');
    return 'The app did not start.';
  }
  const started = descendants(app.pid);
  endGroup(app, 'SIGINT');
  if (await until(STOP_MS, () => started.every((one) => !isAlive(one)))) return undefined;
  const left = started.filter(isAlive);
  for (const { pid } of left) process.kill(pid, 'SIGKILL');
  return `Still there after Ctrl-C: ${left.map(({ pid, name }) => `${name} (${pid})`).join(', ')}`;
}

function endGroup(app, signal) {
  try {
    process.kill(-app.pid, signal);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

async function answers(address) {
  try {
    return (await fetch(address, { signal: AbortSignal.timeout(2_000) })).status === 200;
  } catch {
    return false;
  }
}

async function until(milliseconds, holds) {
  const deadline = Date.now() + milliseconds;
  while (!(await holds())) {
    if (Date.now() > deadline) return false;
    await sleep(100);
  }
  return true;
}

/** The process with this id and everything that it, directly or not, has started. */
function descendants(root) {
  const all = readdirSync('/proc').flatMap((entry) => readProcess(Number(entry)) ?? []);
  const found = all.filter(({ pid }) => pid === root);
  for (const parent of found) found.push(...all.filter(({ ppid }) => ppid === parent.pid));
  return found;
}

function isAlive({ pid, start }) {
  return readProcess(pid)?.start === start;
}

/** A process that has not ended; undefined for one that merely waits to be reaped. */
function readProcess(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, ppid, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
    return state === 'Z' ? undefined : { pid, name, ppid: Number(ppid), start: rest[17] };
  } catch {
    return undefined;
  }
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

await main(process.argv[2]);
