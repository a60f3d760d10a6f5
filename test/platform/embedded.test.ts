import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterEach, expect, it, vi } from 'vitest';
import { type Embedded, openEmbedded } from '../../src/platform/embedded/open.ts';
import { findProcess, hasEndedWithin, type ProcessIdentity, signal } from '../../src/platform/embedded/processes.ts';

// Making a cluster takes most of a second on a quiet machine, and tests of other files run beside.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

type Urls = Pick<Embedded, 'databaseUrl' | 'redisUrl'>;

const source = new URL('../../src/platform/embedded/open.ts', import.meta.url).href;
const isRoot = process.getuid?.() === 0;
const opened: Embedded[] = [];
const children: ChildProcess[] = [];
const folders: string[] = [];

afterEach(async () => {
  for (const child of children.splice(0)) await kill(child);
  for (const embedded of opened.splice(0)) await embedded.close();
  for (const folder of folders.splice(0)) {
    for (const server of serversOn(folder)) await killServer(server);
    rmSync(folder, { recursive: true, force: true });
  }
});

/** An empty folder that every user may enter, as a clone in a usual place is. */
function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'onsale-embedded-'));
  chmodSync(folder, 0o755);
  folders.push(folder);
  return folder;
}

async function open(dataDir: string): Promise<Embedded> {
  const embedded = await openEmbedded({ dataDir, servers: ['postgres', 'redis'] });
  opened.push(embedded);
  return embedded;
}

/** Another process that opens the same data and then stays until it is killed. */
async function openElsewhere(dataDir: string): Promise<{ child: ChildProcess; urls: Urls }> {
  const code = `
    const { openEmbedded } = await import(${JSON.stringify(source)});
    const { databaseUrl, redisUrl } = await openEmbedded({ dataDir: process.argv[1], servers: ['postgres', 'redis'] });
    process.stdout.write(JSON.stringify({ databaseUrl, redisUrl }));
    setInterval(() => undefined, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code, dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const [urls] = await once(child.stdout, 'data');
  return { child, urls: JSON.parse(String(urls)) };
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

async function killServer(server: ProcessIdentity): Promise<void> {
  signal(server, 'SIGKILL');
  await hasEndedWithin(server, 5_000);
}

/** The living processes that the servers' own pid files name. */
function serversOn(dataDir: string, home = dataDir): ProcessIdentity[] {
  return [join(home, 'postgres/postmaster.pid'), join(dataDir, 'redis/redis.pid')].flatMap((path) => {
    if (!statSync(path, { throwIfNoEntry: false })) return [];
    const server = findProcess(Number.parseInt(readFileSync(path, 'utf8'), 10));
    return server ? [server] : [];
  });
}

async function sql(urls: Urls, text: string): Promise<unknown[]> {
  const client = new pg.Client(urls.databaseUrl);
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

async function withRedis<T>(urls: Urls, work: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(urls.redisUrl ?? '');
  try {
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}

async function write(urls: Urls): Promise<void> {
  await sql(urls, 'create table kept as select 7 as value');
  await withRedis(urls, (redis) => redis.set('kept', 'seven'));
}

async function expectWritten(urls: Urls): Promise<void> {
  expect(await sql(urls, 'select value from kept')).toEqual([{ value: 7 }]);
  expect(await withRedis(urls, (redis) => redis.get('kept'))).toBe('seven');
}

it('keeps what was written over a close and an open, on the same addresses', async () => {
  const dataDir = newFolder();
  const first = await open(dataDir);
  await write(first);
  const servers = serversOn(dataDir);
  await first.close();
  expect(servers).toHaveLength(2);
  for (const server of servers) expect(findProcess(server.pid)).toBeUndefined();

  const begun = performance.now();
  const second = await open(dataDir);
  expect(performance.now() - begun).toBeLessThan(1_500);
  expect(second).toMatchObject({ databaseUrl: first.databaseUrl, redisUrl: first.redisUrl, notes: [] });
  await expectWritten(second);
});

it('sets the servers up so that they lose and drop nothing', async () => {
  const embedded = await open(newFolder());
  const settings = "select current_setting('fsync') fsync, current_setting('max_connections') connections";
  const database = "select encoding, datlocale from pg_database where datname = 'onsale'";
  expect(await sql(embedded, settings)).toEqual([{ fsync: 'on', connections: '200' }]);
  expect(await sql(embedded, database)).toEqual([{ encoding: 6, datlocale: 'C.UTF-8' }]);
  await withRedis(embedded, async (redis) => {
    const asked = await redis.config('GET', 'append*', 'save', 'maxmemory-policy', 'bind');
    expect(asked).toEqual(expect.arrayContaining(['appendfsync', 'always', 'appendonly', 'yes', 'noeviction']));
  });
});

it('lets a second process join, and only the last one out stops the servers', async () => {
  const dataDir = newFolder();
  const first = await open(dataDir);
  const { child, urls } = await openElsewhere(dataDir);
  expect(urls).toEqual({ databaseUrl: first.databaseUrl, redisUrl: first.redisUrl });
  const second = await open(dataDir);
  await first.close();
  await second.close();
  await write(urls);

  const servers = serversOn(dataDir);
  await kill(child);
  const last = await open(dataDir);
  expect(serversOn(dataDir)).toEqual(servers);
  await last.close();
  expect(serversOn(dataDir)).toEqual([]);
});

it('adopts the servers of a process that was killed', async () => {
  const dataDir = newFolder();
  const { child, urls } = await openElsewhere(dataDir);
  await write(urls);
  const servers = serversOn(dataDir);
  await kill(child);

  const next = await open(dataDir);
  expect(next).toMatchObject(urls);
  expect(serversOn(dataDir)).toEqual(servers);
  await expectWritten(next);
  await next.close();
  expect(serversOn(dataDir)).toEqual([]);
});

it('starts again with everything that was acknowledged after app and servers were all killed', async () => {
  const dataDir = newFolder();
  const { child, urls } = await openElsewhere(dataDir);
  await write(urls);
  const servers = serversOn(dataDir);
  await Promise.all([kill(child), ...servers.map(killServer)]);

  const next = await open(dataDir);
  for (const server of serversOn(dataDir)) expect(servers).not.toContainEqual(server);
  await expectWritten(next);
});

it('replaces a server that lives but does not answer', async () => {
  const dataDir = newFolder();
  const { child } = await openElsewhere(dataDir);
  const servers = serversOn(dataDir);
  await kill(child);
  for (const server of servers) signal(server, 'SIGSTOP');

  const next = await open(dataDir);
  await write(next);
  for (const server of servers) expect(findProcess(server.pid)).toBeUndefined();
});

it('makes one pair of servers when two processes open an empty folder at once', async () => {
  const dataDir = newFolder();
  const [here, elsewhere, again] = await Promise.all([open(dataDir), openElsewhere(dataDir), open(dataDir)]);
  expect(here).toMatchObject(elsewhere.urls);
  expect(again).toMatchObject(elsewhere.urls);
  await write(elsewhere.urls);
  await expectWritten(here);
});

it('makes the data anew after the first making was killed half way', async () => {
  const dataDir = newFolder();
  const draft = join(dataDir, 'postgres.draft-0000');
  mkdirSync(join(draft, 'base'), { recursive: true });
  writeFileSync(join(draft, 'PG_VERSION'), '18\n');
  writeFileSync(`${draft}.password`, 'left behind');
  await write(await open(dataDir));
  expect(statSync(draft, { throwIfNoEntry: false })).toBeUndefined();
});

it('takes over the lock of a dead process, and never ends a process that merely has a recorded pid', async () => {
  const dataDir = newFolder();
  await (await open(dataDir)).close();
  const bystander = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], { stdio: 'ignore' });
  children.push(bystander);
  writeFileSync(join(dataDir, 'postgres/postmaster.pid'), `${bystander.pid}\n${dataDir}/postgres\n`);
  writeFileSync(join(dataDir, 'redis/redis.pid'), `${bystander.pid}\n`);
  writeFileSync(join(dataDir, 'run/lock'), JSON.stringify({ pid: bystander.pid, startedAt: 'long ago' }));
  writeFileSync(join(dataDir, 'run/1-0.member'), JSON.stringify({ pid: 1, startedAt: 'long ago', servers: ['redis'] }));

  const next = await open(dataDir);
  await write(next);
  await next.close();
  expect(serversOn(dataDir)).toEqual([]);
  expect(bystander.exitCode ?? bystander.signalCode).toBeNull();
});

it('goes to another port when somebody took the remembered one', async () => {
  const dataDir = newFolder();
  const first = await open(dataDir);
  await write(first);
  await first.close();
  const port = Number(new URL(first.redisUrl ?? '').port);
  const squatter = createServer().listen(port, '127.0.0.1');
  await once(squatter, 'listening');
  try {
    const second = await open(dataDir);
    expect(second.redisUrl).not.toBe(first.redisUrl);
    await expectWritten(second);
  } finally {
    squatter.close();
  }
});

it('names the package to install when there is no redis-server', async () => {
  const path = process.env.PATH;
  process.env.PATH = '/nowhere';
  try {
    const opening = openEmbedded({ dataDir: newFolder(), servers: ['redis'] });
    await expect(opening).rejects.toThrow(/install the package redis-server, or set REDIS_URL/);
  } finally {
    process.env.PATH = path;
  }
});

it.runIf(isRoot)('runs PostgreSQL as another user when root starts it', async () => {
  const dataDir = newFolder();
  await open(dataDir);
  const [postmaster] = serversOn(dataDir);
  const [, uid] = /^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${postmaster?.pid}/status`, 'utf8')) ?? [];
  expect(Number(uid)).toBeGreaterThan(0);
  expect(statSync(join(dataDir, 'postgres')).uid).toBe(Number(uid));
});

it.runIf(isRoot)(
  'puts the data where that user can reach it when root keeps the folder private, and says where',
  async () => {
    const folder = newFolder();
    chmodSync(folder, 0o700);
    const dataDir = join(folder, 'data');
    const first = await open(dataDir);
    const [, shelter] = /(\/var\/lib\/onsale-\w+)\.$/.exec(first.notes[0] ?? '') ?? [];
    expect(shelter).toBeDefined();
    try {
      await write(first);
      await first.close();
      const second = await open(dataDir);
      expect(second.notes).toEqual(first.notes);
      await expectWritten(second);
      await second.close();
      expect(serversOn(dataDir, shelter)).toEqual([]);
    } finally {
      if (shelter) rmSync(shelter, { recursive: true, force: true });
    }
  },
);
