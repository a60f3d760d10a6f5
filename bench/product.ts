import 'reflect-metadata';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A module of the product as it was built, by its path under src without the ending: Node itself runs no decorators. */
export async function built<Module>(path: string): Promise<Module> {
  return (await import(new URL(`../dist/src/${path}.js`, import.meta.url).href)) as Module;
}

/** Where the servers of a bench are. */
export interface Servers {
  readonly databaseUrl: string;
  readonly redisUrl: string;
}

/** Runs `work` on a PostgreSQL and a Redis of its own, the database migrated and empty; both are gone afterwards. */
export async function withServers(work: (servers: Servers) => Promise<void>): Promise<void> {
  const { openEmbedded } = await built<typeof import('../embedded/open.ts')>('../embedded/open');
  const dataDir = await mkdtemp(join(tmpdir(), 'onsale-bench-'));
  // The database server runs as another user where the bench runs as root.
  await chmod(dataDir, 0o755);
  const embedded = await openEmbedded({ dataDir, servers: ['postgres', 'redis'], name: 'onsale' });
  try {
    const { databaseUrl = '', redisUrl = '' } = embedded;
    await migrateAll(databaseUrl);
    await work({ databaseUrl, redisUrl });
  } finally {
    await embedded.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function migrateAll(databaseUrl: string): Promise<void> {
  const { MIGRATIONS } = await built<typeof import('../migrations/list.ts')>('../migrations/list');
  const { migrate, openPostgres } = await built<typeof import('../src/platform/postgres.ts')>('platform/postgres');
  const { openLog } = await built<typeof import('../src/platform/log.ts')>('platform/log');
  const orm = await openPostgres(databaseUrl, [], MIGRATIONS, openLog('warn'));
  await migrate(orm);
  await orm.close();
}
