// Compiles src, embedded and migrations into dist with the pinned compiler, copies the Lua scripts beside what was compiled,
// and bundles the programs. Builds the pages of web into dist/web, and the explorer into dist/explorer.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
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

/** The server, and beside it what only browsers need. They have nothing to do with each other. */
const SERVER = { name: 'the server', isCurrent: isServerCurrent, build: buildServer };
const PARTS = [
  SERVER,
  ...SITES.map((site) => ({
    name: site.name,
    isCurrent: (root) => isSiteCurrent(root, site),
    build: (root) => buildSite(root, site),
  })),
];

/** Whether dist is what `build` would make of the sources as they are now. */
export function isBuildCurrent(root, parts = PARTS) {
  return parts.every((part) => part.isCurrent(root));
}

/**
 * Builds the parts of dist that are not current, at the same time. Throws when some fail, once all have ended, with what the
 * compilers said of each: a fault in the sources, a document of the pages that does not fit the schema, pages larger than they may be.
 */
export async function build(root, say, parts = PARTS) {
  const stale = parts.filter((part) => !part.isCurrent(root));
  say(`building ${stale.map(({ name }) => name).join(', ')}`);
  const ends = await Promise.allSettled(stale.map((part) => part.build(root)));
  const faults = ends.flatMap(({ reason }, i) =>
    reason ? [`${stale[i].name} cannot be built:\n${reason.message}`] : [],
  );
  if (faults.length > 0) throw new Error(faults.join('\n'));
}

function isServerCurrent(root) {
  const stamp = join(root, STAMP);
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprint(root) && missingOutputs(root).length === 0;
}

async function buildServer(root) {
  const built = fingerprint(root);
  rmSync(join(root, STAMP), { force: true });
  // The compiler's memory of the last build would make it leave out outputs that somebody has removed.
  if (missingOutputs(root).length > 0) rmSync(join(root, 'dist', '.tsbuildinfo'), { force: true });
  await run(root, join('node_modules', 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.build.json');
  for (const path of sourceFiles(root).filter((source) => source.endsWith('.lua'))) {
    mkdirSync(join(root, 'dist', dirname(path)), { recursive: true });
    copyFileSync(join(root, path), join(root, 'dist', path));
  }
  removeOrphans(root);
  const programs = PROGRAMS.filter((path) => existsSync(join(root, path)));
  await run(root, join('scripts', 'bundle.mjs'), ...programs.map((path) => path.replace(/\.ts$/, '.js')));
  writeFileSync(join(root, STAMP), built);
}

/** A folder without pages needs none. */
function isSiteCurrent(root, site) {
  if (!existsSync(join(root, site.root, 'index.html'))) return true;
  const stamp = join(root, site.stamp);
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === webFingerprint(root, site);
}

/** Builds a site, for the pages types and a list of their documents first, and its compressed forms. */
async function buildSite(root, site) {
  const built = webFingerprint(root, site);
  rmSync(join(root, site.stamp), { force: true });
  for (const script of site.before) await run(root, script);
  const vite = ['build', '--config', `${site.root}/vite.config.ts`, '--logLevel', 'warn'];
  await run(root, join('node_modules', 'vite', 'bin', 'vite.js'), ...vite);
  await run(root, join('scripts', 'pack-web.mjs'), site.out, ...(site.maxFirstLoad ? [`${site.maxFirstLoad}`] : []));
  writeFileSync(join(root, site.stamp), built);
}

/** Runs a script of this project with the pinned Node.js, and writes what it said when it is over. Throws that when it fails. */
async function run(root, script, ...args) {
  const pinned = join(root, 'node_modules', '.bin', 'node');
  const child = spawn(existsSync(pinned) ? pinned : process.execPath, [join(root, script), ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    // The environment of tests would make the pages those for development.
    env: { ...process.env, NODE_ENV: 'production' },
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (said += text));
  const [status, signal] = await once(child, 'close');
  if (status !== 0) throw new Error(said.trimEnd() || `${script} ended with ${signal ?? status}`);
  process.stdout.write(said);
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
    const parts = process.argv[2] === 'server' ? [SERVER] : PARTS;
    if (!isBuildCurrent(root, parts)) {
      await withSetupLock(root, say, async () => {
        if (!isBuildCurrent(root, parts)) await build(root, say, parts);
      });
    }
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
