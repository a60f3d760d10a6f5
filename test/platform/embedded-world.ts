import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';
import { expect, vi } from 'vitest';
import { type Embedded, openEmbedded } from '../../embedded/open.ts';
import { findProcess, hasEndedWithin, type ProcessIdentity, signal } from '../../embedded/processes.ts';

export type Urls = Pick<Embedded, 'databaseUrl' | 'redisUrl'>;

const sourceOf = (file: string): string => JSON.stringify(new URL(`../../embedded/${file}`, import.meta.url).href);
const opened: Embedded[] = [];
/** Processes that tests started; ended with the test. */
export const children: ChildProcess[] = [];
const folders: string[] = [];

/** Ends every process that a test started, and removes its folders. */
export async function cleanUp(): Promise<void> {
  for (const child of children.splice(0)) await kill(child);
  for (const embedded of opened.splice(0)) await embedded.close();
  for (const folder of folders.splice(0)) {
    for (const server of serversOn(folder)) await killServer(server);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** An empty folder that every user may enter, as a clone in a usual place is. */
export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'onsale-embedded-'));
  chmodSync(folder, 0o755);
  folders.push(folder);
  return folder;
}

export async function open(dataDir: string): Promise<Embedded> {
  const embedded = await openEmbedded({ dataDir, servers: ['postgres', 'redis'], name: 'onsale' });
  opened.push(embedded);
  return embedded;
}

/** Another process that opens the same data and then stays until it is killed. */
export async function openElsewhere(dataDir: string): Promise<{ child: ChildProcess; urls: Urls }> {
  const { child, told } = await run(
    dataDir,
    `
    const { openEmbedded } = await import(${sourceOf('open.ts')});
    const options = { dataDir: process.argv[1], servers: ['postgres', 'redis'], name: 'onsale' };
    const { databaseUrl, redisUrl } = await openEmbedded(options);
    process.stdout.write(JSON.stringify({ databaseUrl, redisUrl }));`,
  );
  return { child, urls: JSON.parse(told) };
}

/** Another process that has locked the data directory, as while it starts or stops servers, and stays until it is killed. */
export async function lockElsewhere(dataDir: string): Promise<ChildProcess> {
  const { child } = await run(
    dataDir,
    `
    const { withLock } = await import(${sourceOf('sharing.ts')});
    void withLock(process.argv[1] + '/run/lock.sqlite', () => {
      process.stdout.write('locked');
      return new Promise((resolve) => setTimeout(resolve, 60_000));
    });`,
  );
  return child;
}

/** Runs `code` with `dataDir` as its argument until it writes something; the process then stays until it is killed. */
async function run(dataDir: string, code: string): Promise<{ child: ChildProcess; told: string }> {
  const staying = `${code}; setInterval(() => undefined, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', staying, dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const [told] = await once(child.stdout, 'data');
  return { child, told: String(told) };
}

export async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

export async function killServer(server: ProcessIdentity): Promise<void> {
  signal(server, 'SIGKILL');
  await hasEndedWithin(server, 5_000);
}

/** The living processes that the servers' own pid files name. */
export function serversOn(dataDir: string, home = dataDir): ProcessIdentity[] {
  return [join(home, 'postgres/postmaster.pid'), join(dataDir, 'redis/redis.pid')].flatMap((path) => {
    if (!statSync(path, { throwIfNoEntry: false })) return [];
    const server = findProcess(Number.parseInt(readFileSync(path, 'utf8'), 10));
    return server ? [server] : [];
  });
}

/** A server that died serves again within 5 seconds; the machine of a test may be three times as slow. */
export const SERVES_AGAIN_MS = 15_000;

/** Waits until a server serves in place of the dead one, with what `write` wrote. */
export async function expectRestarted(dataDir: string, urls: Urls, dead: ProcessIdentity): Promise<void> {
  await vi.waitFor(() => expectWritten(urls), SERVES_AGAIN_MS);
  expect(serversOn(dataDir)).toHaveLength(2);
  expect(serversOn(dataDir)).not.toContainEqual(dead);
}

export async function sql(urls: Urls, text: string): Promise<unknown[]> {
  const client = new pg.Client(urls.databaseUrl);
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

export async function withRedis<T>(urls: Urls, work: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(urls.redisUrl ?? '').on('error', () => undefined);
  try {
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}

export async function write(urls: Urls): Promise<void> {
  await sql(urls, 'create table kept as select 7 as value');
  await withRedis(urls, (redis) => redis.set('kept', 'seven'));
}

export async function expectWritten(urls: Urls): Promise<void> {
  expect(await sql(urls, 'select value from kept')).toEqual([{ value: 7 }]);
  expect(await withRedis(urls, (redis) => redis.get('kept'))).toBe('seven');
}
