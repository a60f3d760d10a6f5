import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { openEmbedded } from '../../embedded/open.ts';
import { findProcess, signal } from '../../embedded/processes.ts';
import {
  children,
  cleanUp,
  expectWritten,
  kill,
  killServer,
  lockElsewhere,
  newFolder,
  open,
  openElsewhere,
  serversOn,
  sql,
  withRedis,
  write,
} from '../platform/embedded-world.ts';

afterEach(cleanUp);

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

it('opens at once after a process was killed that had locked the data directory', async () => {
  const dataDir = newFolder();
  await (await open(dataDir)).close();
  const locked = await lockElsewhere(dataDir);
  const opening = open(dataDir);
  const early = await Promise.race([opening.then(() => 'opened'), sleep(500, 'waiting')]);
  expect(early).toBe('waiting');
  await kill(locked);
  await write(await opening);
});

it('never ends a process that merely has a recorded pid', async () => {
  const dataDir = newFolder();
  await (await open(dataDir)).close();
  const bystander = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], { stdio: 'ignore' });
  children.push(bystander);
  writeFileSync(join(dataDir, 'postgres/postmaster.pid'), `${bystander.pid}\n${dataDir}/postgres\n`);
  writeFileSync(join(dataDir, 'redis/redis.pid'), `${bystander.pid}\n`);
  writeFileSync(
    join(dataDir, 'run/1-0.member'),
    JSON.stringify({ pid: 1, startedAt: 'long ago', servers: ['redis'], name: 'onsale' }),
  );

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
    const opening = openEmbedded({ dataDir: newFolder(), servers: ['redis'], name: 'onsale' });
    await expect(opening).rejects.toThrow(/install the package redis-server, or set REDIS_URL/);
  } finally {
    process.env.PATH = path;
  }
});
