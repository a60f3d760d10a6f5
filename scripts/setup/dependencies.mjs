import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Whether the dependencies of the clone are installed, the pinned Node.js among them. */
export function areDependenciesCurrent(root) {
  return arePackagesCurrent(root) && hasPinnedNode(root);
}

/**
 * Whether node_modules of a folder holds what its package-lock.json asks for. npm writes its own list of what it installed
 * as the last step, so an installation that was cut short has none.
 */
export function arePackagesCurrent(folder) {
  const wanted = readPackages(join(folder, 'package-lock.json'));
  const installed = readPackages(join(folder, 'node_modules', '.package-lock.json'));
  if (wanted === undefined || installed === undefined) return false;
  const names = Object.keys(wanted).filter((name) => name !== '');
  return (
    Object.keys(installed).every((name) => name in wanted) &&
    names.every((name) =>
      name in installed ? isSame(wanted[name], installed[name]) : isForOtherMachines(wanted[name]),
    )
  );
}

/** Installs the dependencies of the clone. Throws when npm fails. */
export function installDependencies(root, say) {
  say('installing the dependencies (npm ci), which takes about half a minute');
  installPackages(root, root);
  if (!hasPinnedNode(root)) {
    throw new Error('npm left out the pinned Node.js: allow install scripts (npm config set ignore-scripts false).');
  }
}

/** Installs what the package-lock.json of a folder of the clone says. Throws when npm fails. */
export function installPackages(root, folder) {
  const options = ['--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'];
  const { status, error } = spawnSync('npm', ['ci', ...options], {
    cwd: folder,
    env: { ...process.env, PATH: pathOutside(root) },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (error) throw new Error(`npm could not be run (${error.message}): install npm, then try again.`);
  if (status !== 0) throw new Error('npm ci failed: see the lines above.');
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
