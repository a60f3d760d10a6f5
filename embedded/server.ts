import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Account } from './place.ts';
import { findProcess, hasEndedWithin, isRunning, type ProcessIdentity, signal } from './processes.ts';

/** The state of a server when it is asked; `stranger` is a server that does not accept the password. */
export type Answer = 'ready' | 'starting' | 'silent' | 'stranger';

/** A server that can be run beside an application, on one folder of data. */
export interface Server {
  title: string;
  logFile: string;
  /** The signals that stop it, mildest first, each with the milliseconds it is given. */
  stopSignals: readonly (readonly [NodeJS.Signals, number])[];
  /** The process that serves this data now, if it certainly belongs to this server; else undefined. */
  find(): ProcessIdentity | undefined;
  /** Asks it, within about a second. */
  probe(): Promise<Answer>;
  /** Starts the process on its port; its first answer may take a while. */
  launch(): Promise<ProcessIdentity>;
}

const MAX_LOG_BYTES = 10 * 1024 * 1024;
const ADOPTED_SILENCE_MS = 3_000;
const LAUNCHED_SILENCE_MS = 30_000;
/** Milliseconds that a server may take to read a large log back after a crash. */
const STARTING_MS = 120_000;
/** Milliseconds within which the last statements of a killed server's children end. */
const PASSING_MS = 15_000;
const RELAUNCH_MS = 100;

/**
 * For a server that no other process uses: adopts it when it runs already, replaces it when it does not answer, and
 * starts it when there is none, after `choosePort`. Returns its process. Throws with the last lines of its log when it
 * cannot be started.
 */
export async function adoptOrStart(server: Server, choosePort: () => Promise<void>): Promise<ProcessIdentity> {
  const running = server.find();
  if (running !== undefined) {
    if (await becomesReady(server, running, ADOPTED_SILENCE_MS)) return running;
    // A server that does not answer would not obey the mildest signal either; acknowledged writes are on disk.
    await end(server, running, server.stopSignals.slice(1));
  }
  return start(server, choosePort);
}

/**
 * For a server that other living processes use: joins it when it runs, and starts it on the port that they know when it
 * has died. Returns its process. A server that lives but does not answer is left alone; then, and when it cannot be
 * started, this throws.
 */
export async function joinOrRestart(server: Server): Promise<ProcessIdentity> {
  const running = server.find();
  if (running !== undefined) {
    if (await becomesReady(server, running, LAUNCHED_SILENCE_MS)) return running;
    if (isRunning(running)) {
      throw new Error(
        `${server.title} (process ${running.pid}) does not answer, and others use it: see ${server.logFile}, or end them first.`,
      );
    }
  }
  return start(server, async () => undefined);
}

async function start(server: Server, choosePort: () => Promise<void>): Promise<ProcessIdentity> {
  const begun = Date.now();
  while (true) {
    const logged = sizeOf(server.logFile);
    await choosePort();
    const launched = await server.launch();
    if (await becomesReady(server, launched, LAUNCHED_SILENCE_MS)) return launched;
    await end(server, launched, server.stopSignals);
    const complaint = logSince(server.logFile, logged);
    if (!isPassing(complaint) || Date.now() - begun > PASSING_MS) {
      throw new Error(`${server.title} did not start; ${server.logFile} ends with: ${complaint || '(nothing)'}`);
    }
    await sleep(RELAUNCH_MS);
  }
}

/**
 * Stops the server if it runs, and returns when it has ended. `lastSeen` is its process for the case that its own pid
 * file has gone. Throws when no signal ends it.
 */
export async function stopServer(server: Server, lastSeen?: ProcessIdentity): Promise<void> {
  const running = server.find() ?? lastSeen;
  if (running !== undefined) await end(server, running, server.stopSignals);
}

/**
 * Starts a program in a session of its own, so that Ctrl-C in the terminal does not reach it, writing to a log file.
 */
export async function launchDetached(
  program: string,
  args: string[],
  options: { logFile: string; cwd: string; account?: Account },
): Promise<ProcessIdentity> {
  if (sizeOf(options.logFile) > MAX_LOG_BYTES) renameSync(options.logFile, `${options.logFile}.1`);
  const log = openSync(options.logFile, 'a', 0o600);
  try {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: { PATH: process.env.PATH, LC_ALL: 'C' },
      detached: true,
      stdio: ['ignore', log, log],
      ...(options.account && { uid: options.account.uid, gid: options.account.gid }),
    });
    await once(child, 'spawn');
    child.unref();
    return findProcess(child.pid ?? 0) ?? { pid: child.pid ?? 0, startedAt: 'ended' };
  } finally {
    closeSync(log);
  }
}

async function becomesReady(server: Server, running: ProcessIdentity, silenceMs: number): Promise<boolean> {
  const begun = Date.now();
  let heard = begun;
  while (isRunning(running)) {
    const answer = await server.probe();
    if (answer === 'ready') return true;
    if (answer === 'stranger') return false;
    const now = Date.now();
    if (answer === 'starting') heard = now;
    if (now - heard > silenceMs || now - begun > STARTING_MS) return false;
    await sleep(10);
  }
  return false;
}

async function end(server: Server, running: ProcessIdentity, signals: Server['stopSignals']): Promise<void> {
  for (const [name, milliseconds] of signals) {
    signal(running, name);
    if (await hasEndedWithin(running, milliseconds)) return;
  }
  throw new Error(
    `${server.title} (process ${running.pid}) does not end, not even when killed: see ${server.logFile}.`,
  );
}

/** Transient failures to start: a port was just taken, or children of a killed server still run. */
function isPassing(complaint: string): boolean {
  return /address already in use|pre-existing shared memory|lock file .* already exists/i.test(complaint);
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function logSince(path: string, offset: number): string {
  const size = sizeOf(path);
  const text =
    size === 0
      ? ''
      : readFileSync(path)
          .subarray(offset <= size ? offset : 0)
          .toString('utf8');
  return text.trim().split('\n').slice(-5).join(' | ');
}

/** A port of 127.0.0.1 that no process listens on: the preferred one if it is free. */
export async function freePort(preferred: number): Promise<number> {
  return (await tryPort(preferred)) ?? (await freePort(0));
}

function tryPort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ port, host: '127.0.0.1' }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : undefined));
    });
  });
}
