import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Place } from './place.ts';
import { SUPERUSER } from './postgres.ts';

const DRAFT = 'postgres.draft-';

/** Whether PostgreSQL's data is there, complete. */
export function isInitialised(place: Place): boolean {
  return existsSync(join(place.home, 'postgres', 'PG_VERSION'));
}

/**
 * Makes an empty cluster in `<place.home>/postgres`: UTF8, sorted by code point the same on every machine, its superuser
 * known by `password`. It is made beside its place and moved there whole, so one that was killed half way is just made again.
 */
export async function initialisePostgres(place: Place, password: string): Promise<void> {
  for (const name of readdirSync(place.home).filter((entry) => entry.startsWith(DRAFT))) {
    rmSync(join(place.home, name), { recursive: true, force: true });
  }
  const draft = join(place.home, `${DRAFT}${randomBytes(4).toString('hex')}`);
  const passwordFile = `${draft}.password`;
  try {
    mkdirSync(draft, { mode: 0o700 });
    writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
    giveTo(place, draft, passwordFile);
    await runInitdb(place, draft, passwordFile);
    renameSync(draft, join(place.home, 'postgres'));
  } finally {
    rmSync(passwordFile, { force: true });
    rmSync(draft, { recursive: true, force: true });
  }
}

/** Moves data away whose password is no longer known, in place of what was moved away before; answers where to. */
export function setAsidePostgres(place: Place): string {
  const aside = join(place.home, 'postgres.previous');
  rmSync(aside, { recursive: true, force: true });
  renameSync(join(place.home, 'postgres'), aside);
  return aside;
}

function giveTo({ account }: Place, ...paths: string[]): void {
  if (account === undefined) return;
  for (const path of paths) chownSync(path, account.uid, account.gid);
}

async function runInitdb(place: Place, folder: string, passwordFile: string): Promise<void> {
  const options = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  const access = [`--username=${SUPERUSER}`, '--auth=scram-sha-256', `--pwfile=${passwordFile}`];
  try {
    await promisify(execFile)(join(place.binaries, 'bin', 'initdb'), ['-D', folder, ...options, ...access], {
      cwd: place.home,
      env: { PATH: process.env.PATH, LC_ALL: 'C' },
      ...(place.account && { uid: place.account.uid, gid: place.account.gid }),
    });
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    const reason = (stderr?.trim() || message).split('\n').slice(-3).join(' | ');
    throw new Error(`PostgreSQL's data could not be made in ${place.home}: ${reason}`, { cause: error });
  }
}
