import { chmodSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { cleanUp, expectWritten, newFolder, open, serversOn, write } from './embedded-world.ts';

const isRoot = process.getuid?.() === 0;

afterEach(cleanUp);

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
