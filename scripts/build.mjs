// Compiles src, embedded and migrations into dist with the pinned compiler, copies the Lua scripts beside what was compiled,
// and bundles the programs.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCES = ['src', 'embedded', 'migrations'];
const SETTINGS = [
  'tsconfig.json',
  'tsconfig.build.json',
  'package-lock.json',
  'scripts/build.mjs',
  'scripts/bundle.mjs',
];
/** Where programs begin. */
const PROGRAMS = ['src/main.ts', 'src/cli/emit-schema.ts', 'src/cli/emit-tables.ts', 'src/cli/run-audit.ts'];
const STAMP = 'dist/.built';

/** Whether dist is what `build` would make of the sources as they are now. */
export function isBuildCurrent(root) {
  const stamp = join(root, STAMP);
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprint(root) && missingOutputs(root).length === 0;
}

/** Builds dist. Throws when the compiler finds a fault, which it has printed by then. */
export function build(root, say) {
  say('building');
  const built = fingerprint(root);
  rmSync(join(root, STAMP), { force: true });
  // The compiler's memory of the last build would make it leave out outputs that somebody has removed.
  if (missingOutputs(root).length > 0) rmSync(join(root, 'dist', '.tsbuildinfo'), { force: true });
  run(root, join('node_modules', 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.build.json');
  for (const path of sourceFiles(root).filter((source) => source.endsWith('.lua'))) {
    mkdirSync(join(root, 'dist', dirname(path)), { recursive: true });
    copyFileSync(join(root, path), join(root, 'dist', path));
  }
  removeOrphans(root);
  const programs = PROGRAMS.filter((path) => existsSync(join(root, path)));
  run(root, join('scripts', 'bundle.mjs'), ...programs.map((path) => path.replace(/\.ts$/, '.js')));
  writeFileSync(join(root, STAMP), built);
}

/** Runs a script of this project with the pinned Node.js. Throws when it fails; it has said why by then. */
function run(root, script, ...args) {
  const pinned = join(root, 'node_modules', '.bin', 'node');
  const { status } = spawnSync(existsSync(pinned) ? pinned : process.execPath, [join(root, script), ...args], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0) throw new Error('the build failed: see the lines above.');
}

/** A text that is another one whenever the build could come out differently. */
function fingerprint(root) {
  const hash = createHash('sha256');
  for (const path of [...SETTINGS, ...sourceFiles(root)]) {
    const content = readFileSync(join(root, path));
    hash.update(`${path} ${content.length}\n`).update(content);
  }
  return hash.digest('hex');
}

/** The sources that end up in dist, by their path from the root. */
function sourceFiles(root) {
  return SOURCES.flatMap((folder) => filesBelow(root, folder))
    .filter((path) => (path.endsWith('.ts') && !path.endsWith('.d.ts')) || path.endsWith('.lua'))
    .sort();
}

function filesBelow(root, folder) {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name)));
}

function outputsOf(source) {
  if (source.endsWith('.lua')) return [join('dist', source)];
  const script = join('dist', source.replace(/\.ts$/, '.js'));
  const outputs = [script, `${script}.map`];
  return PROGRAMS.includes(source) ? [...outputs, join('dist', 'bundle', basename(script))] : outputs;
}

function missingOutputs(root) {
  return sourceFiles(root)
    .flatMap(outputsOf)
    .filter((path) => !existsSync(join(root, path)));
}

/** Removes what was made of sources that are gone: a migration or a script left in dist would still be run. */
function removeOrphans(root) {
  const wanted = new Set(sourceFiles(root).flatMap(outputsOf));
  for (const path of SOURCES.flatMap((folder) => filesBelow(root, join('dist', folder)))) {
    if (!wanted.has(path)) rmSync(join(root, path));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const root = join(dirname(process.argv[1]), '..');
    if (!isBuildCurrent(root)) build(root, (line) => process.stdout.write(`${line}\n`));
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
