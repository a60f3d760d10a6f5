import { execFileSync } from 'node:child_process';
import { chmod, rm } from 'node:fs/promises';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { openEmbedded } from '../../embedded/open.ts';
import { MIGRATIONS } from '../../migrations/list.ts';
import { openLog } from '../../src/platform/log.ts';
import { migrate, openPostgres } from '../../src/platform/postgres.ts';
import { databaseAt } from './database.ts';
import { scratchFolder } from './scratch.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** A database server whose database `template` has all migrations. */
    postgresUrl: string;
  }
}

/** Builds what the tests start as processes, and brings up one PostgreSQL with a migrated template. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  execFileSync(process.execPath, ['scripts/build.mjs', 'server'], { stdio: ['ignore', 'ignore', 'inherit'] });
  const dataDir = await scratchFolder('onsale-test-');
  // The database server runs as another user where the tests run as root.
  await chmod(dataDir, 0o755);
  const servers = await openEmbedded({ dataDir, servers: ['postgres'], name: 'onsale' });
  const postgresUrl = servers.databaseUrl;
  if (!postgresUrl) throw new Error('the embedded PostgreSQL did not start');
  await makeTemplate(postgresUrl);
  project.provide('postgresUrl', postgresUrl);
  return async () => {
    await servers.close();
    await rm(dataDir, { recursive: true, force: true });
  };
}

async function makeTemplate(postgresUrl: string): Promise<void> {
  const client = new pg.Client(postgresUrl);
  await client.connect();
  await client.query('create database template');
  await client.end();
  const orm = await openPostgres(databaseAt(postgresUrl, 'template'), [], MIGRATIONS, openLog('warn'));
  await migrate(orm);
  await orm.close();
}
