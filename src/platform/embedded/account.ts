import { execFileSync, spawnSync } from 'node:child_process';

/** A user of this machine that a server can run as. */
export interface Account {
  name: string;
  uid: number;
  gid: number;
}

/** PostgreSQL refuses to run as root; Debian's own packages use this name too. */
const NAME = 'postgres';

/**
 * The user to run PostgreSQL as: undefined for the current one, which serves unless it is root. As root the system
 * user `postgres` is made if it is missing. Throws when it cannot be made.
 */
export function serverAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  return lookUp() ?? create();
}

/** Whether that user may run this program: it and its libraries can be reached and read. */
export function canRun(account: Account, program: string, args: string[]): boolean {
  const { uid, gid } = account;
  return spawnSync(program, args, { uid, gid, cwd: '/', stdio: 'ignore' }).status === 0;
}

/** Whether that user may walk to this folder. */
export function canEnter(account: Account, folder: string): boolean {
  return canRun(account, '/bin/sh', ['-c', 'cd -- "$1"', 'sh', folder]);
}

function lookUp(): Account | undefined {
  const [uid, gid] = ['-u', '-g'].map((option) => spawnSync('id', [option, NAME], { encoding: 'utf8' }));
  if (uid?.status !== 0 || gid?.status !== 0) return undefined;
  return { name: NAME, uid: Number(uid.stdout), gid: Number(gid.stdout) };
}

function create(): Account {
  const options = ['--system', '--user-group', '--no-create-home', '--home-dir', '/nonexistent'];
  try {
    execFileSync('useradd', [...options, '--shell', '/usr/sbin/nologin', NAME], { stdio: 'pipe' });
  } catch (error) {
    // Another first start may have made it in the meantime.
    const made = lookUp();
    if (made !== undefined) return made;
    throw new Error(
      `PostgreSQL does not run as root, and the user ${NAME} could not be made: make it, run as another user, or set DATABASE_URL.`,
      { cause: error },
    );
  }
  const made = lookUp();
  if (made === undefined) throw new Error(`The user ${NAME} was made but cannot be found: run as another user.`);
  return made;
}
