import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openLog } from '../../src/platform/log.ts';
import { loadScript, runScript } from '../../src/platform/lua.ts';
import { openRedis } from '../../src/platform/redis.ts';
import { TestRedis } from '../support/redis-server.ts';

const folder = mkdtempSync(join(tmpdir(), 'onsale-lua-'));
const MODULE = pathToFileURL(join(folder, 'module.ts')).href;
writeFileSync(join(folder, 'sum.lua'), '-- include: twice\nreturn twice(ARGV[1]) + ARGV[2]\n');
writeFileSync(join(folder, 'twice.lua'), 'local function twice(number) return 2 * number end\n');

let server: TestRedis;
let redis: Redis;
beforeAll(async () => {
  server = await TestRedis.open();
  redis = openRedis(server.url, 'test', openLog('silent'));
  await redis.connect();
});
afterAll(async () => {
  redis.disconnect();
  await server.close();
});

it('a script runs by its digest, and again after the server has lost all scripts', async () => {
  const script = loadScript(MODULE, 'sum');
  expect([await runScript(redis, script, 'a', [1, 2]), await runScript(redis, script, 'a', [3, 4])]).toEqual([4, 10]);
  await redis.script('FLUSH');
  expect(await runScript(redis, script, 'a', [5, 6])).toBe(16);
  await server.kill();
  await server.start();
  await expect.poll(() => redis.status).toBe('ready');
  expect(await runScript(redis, script, 'a', [7, 8])).toBe(22);
});
