// Compiles src, embedded and migrations into dist with the pinned compiler, copies the Lua scripts beside what was compiled,
// and bundles the programs. Builds the pages of web into dist/web, and the explorer into dist/explorer.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withSetupLock } from './setup/lock.mjs';

const SOURCES = ['src', 'embedded', 'migrations'];
const SETTINGS = [
  'tsconfig.json',
  'tsconfig.build.json',
  'package-lock.json',
  'scripts/build.mjs',
  'scripts/bundle.mjs',
];
/** Where programs begin. */
const PROGRAMS = [
  'src/main.ts',
  'src/cli/emit-schema.ts',
  'src/cli/emit-tables.ts',
  'src/cli/list-documents.ts',
  'src/cli/run-audit.ts',
];
const STAMP = 'dist/.built';
const WEB_SETTINGS = ['package-lock.json', 'scripts/build.mjs', 'scripts/pack-web.mjs'];
/** What Vite builds, and what each is made of beside the packages. What codegen makes of the other files is left out. */
const SITES = [
  {
    name: 'the pages',
    root: 'web',
    out: 'dist/web',
    stamp: 'dist/.web-built',
    maxFirstLoad: 200_000,
    isSource: (path) => !/^web.(gql|node_modules|explorer)\b/.test(path),
    before: [join('web', 'codegen.mjs'), join('web', 'list-documents.mjs')],
  },
  {
    name: 'the explorer',
    root: 'web/explorer',
    out: 'dist/explorer',
    stamp: 'dist/.explorer-built',
    before: [],
    isSource: (path) => /^web.explorer\b/.test(path),
  },
];

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

/** Whether dist has what `buildWeb` would make of web and schema as they are now; a folder without pages needs none. */
export function isWebCurrent(root) {
  return SITES.every((site) => isSiteCurrent(root, site));
}

function isSiteCurrent(root, site) {
  if (!existsSync(join(root, site.root, 'index.html'))) return true;
  const stamp = join(root, site.stamp);
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === webFingerprint(root, site);
}

/**
 * Builds the pages (types and a list of their documents first) and the explorer, where they are not current, and their compressed
 * forms. The server starts without them. Throws when a document does not fit the schema, or the pages are larger than they
 * may be; the reason was printed by then.
 */
export function buildWeb(root, say) {
  for (const site of SITES.filter((each) => !isSiteCurrent(root, each))) {
    say(`building ${site.name}`);
    const built = webFingerprint(root, site);
    rmSync(join(root, site.stamp), { force: true });
    for (const script of site.before) run(root, script);
    const vite = ['build', '--config', `${site.root}/vite.config.ts`, '--logLevel', 'warn'];
    run(root, join('node_modules', 'vite', 'bin', 'vite.js'), ...vite);
    run(root, join('scripts', 'pack-web.mjs'), site.out, ...(site.maxFirstLoad ? [`${site.maxFirstLoad}`] : []));
    writeFileSync(join(root, site.stamp), built);
  }
}

/** Runs a script of this project with the pinned Node.js. Throws when it fails; it has said why by then. */
function run(root, script, ...args) {
  const pinned = join(root, 'node_modules', '.bin', 'node');
  const { status } = spawnSync(existsSync(pinned) ? pinned : process.execPath, [join(root, script), ...args], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    // The environment of tests would make the pages those for development.
    env: { ...process.env, NODE_ENV: 'production' },
  });
  if (status !== 0) throw new Error('the build failed: see the lines above.');
}

/** A text that is another one whenever the build could come out differently. */
function fingerprint(root) {
  return fingerprintOf(root, [...SETTINGS, ...sourceFiles(root)]);
}

/** The same for a site. */
function webFingerprint(root, { isSource }) {
  const sources = [...filesBelow(root, 'web'), ...filesBelow(root, 'schema')].filter(isSource);
  return fingerprintOf(root, [...WEB_SETTINGS, ...sources.sort()]);
}

function fingerprintOf(root, paths) {
  const hash = createHash('sha256');
  for (const path of paths) {
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
    const say = (line) => process.stdout.write(`${line}\n`);
    // The tests start servers, which need no pages. Several test files may ask for the pages at once.
    const isCurrent = () => isBuildCurrent(root) && (process.argv[2] === 'server' || isWebCurrent(root));
    if (!isCurrent()) {
      await withSetupLock(root, say, () => {
        if (!isBuildCurrent(root)) build(root, say);
        if (!isCurrent()) buildWeb(root, say);
      });
    }
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
