import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * Whether node_modules holds what package-lock.json asks for. npm writes its own list of what it installed as the last
 * step, so an installation that was cut short has none.
 */
export function areDependenciesCurrent(root) {
  const wanted = readPackages(join(root, 'package-lock.json'));
  const installed = readPackages(join(root, 'node_modules', '.package-lock.json'));
  if (wanted === undefined || installed === undefined || !hasPinnedNode(root)) return false;
  const names = Object.keys(wanted).filter((name) => name !== '');
  return (
    Object.keys(installed).every((name) => name in wanted) &&
    names.every((name) =>
      name in installed ? isSame(wanted[name], installed[name]) : isForOtherMachines(wanted[name]),
    )
  );
}

/** Installs what package-lock.json says. Throws when npm fails. */
export function installDependencies(root, say) {
  say('installing the dependencies (npm ci), which takes about half a minute');
  const options = ['--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'];
  const { status, error } = spawnSync('npm', ['ci', ...options], {
    cwd: root,
    env: { ...process.env, PATH: pathOutside(root) },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (error) throw new Error(`npm could not be run (${error.message}): install npm, then try again.`);
  if (status !== 0) throw new Error('npm ci failed: see the lines above.');
  if (!hasPinnedNode(root)) {
    throw new Error('npm left out the pinned Node.js: allow install scripts (npm config set ignore-scripts false).');
  }
}

function hasPinnedNode(root) {
  return existsSync(join(root, 'node_modules', '.bin', 'node'));
}

function readPackages(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

function isSame(wanted, installed) {
  return wanted.version === installed.version && wanted.integrity === installed.integrity;
}

function isForOtherMachines(wanted) {
  return Boolean(wanted.optional);
}

/** npm must not be run by the Node.js that it is about to remove. */
function pathOutside(root) {
  const own = join(root, 'node_modules', '.bin');
  return (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => folder !== own)
    .join(delimiter);
}
