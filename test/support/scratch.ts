import { mkdtemp, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MEMORY = '/dev/shm';
const TMPFS = 0x01021994;
/** What a whole run of the tests may fill, in bytes. */
const ROOM = 4 * 1024 ** 3;

/**
 * A new folder for the data of a server of the tests: in memory where there is room. What is acknowledged outlives a
 * killed server there as on a disk, and no disk that stops for seconds makes requests run out of their time.
 */
export async function scratchFolder(prefix: string): Promise<string> {
  return mkdtemp(join((await isRoomy()) ? MEMORY : tmpdir(), prefix));
}

async function isRoomy(): Promise<boolean> {
  const found = await statfs(MEMORY).catch(() => undefined);
  return found?.type === TMPFS && found.bavail * found.bsize >= ROOM;
}
