// Bundles the compiled programs named as arguments, by their paths in dist, into dist/bundle: the code that they share and
// the packages that they import come in a handful of files. A process that reads these starts with half the work of one
// that reads 1,600 modules. Run by build.mjs, after it has compiled.
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { basename, join, relative } from 'node:path';
import { rolldown } from 'rolldown';

const dist = realpathSync(join(import.meta.dirname, '..', 'dist'));
const target = join(dist, 'bundle');
/**
 * Packages that stay outside, with what they import. The tests change `pg` and `ioredis` before the program loads them;
 * pino starts threads from files of its own; class-validator is one that type-graphql does without.
 */
const EXTERNAL = ['pg', 'ioredis', 'pino', 'class-validator'];

/** An import statement of a bundle: `* as all`, `one`, `{ some }` or `one, { some }` from a module. */
const IMPORT = /^import (?:\* as (\S+)|([\w$]+))?(?:, )?(\{.*\})? from "([^"]+)";$/gm;

/** A bundled module finds what lies beside it, such as Lua scripts, at its own place in dist. */
const ownPlaces = {
  name: 'own-places',
  load(id) {
    if (!id.startsWith(dist) || !existsSync(`${id}.map`)) return undefined;
    const place = `new URL(${JSON.stringify(relative(target, id))}, import.meta.url).href`;
    // The compiler's map leads on to the line in TypeScript; no line moves here.
    return {
      code: readFileSync(id, 'utf8').replaceAll('import.meta.url', place),
      map: JSON.parse(readFileSync(`${id}.map`, 'utf8')),
    };
  },
};

/** Apollo's hash, which takes the one of Node.js where its module is CommonJS still, and else one in JavaScript. */
const nativeHash = {
  name: 'native-hash',
  load(id) {
    if (!id.endsWith('/@apollo/utils.createhash/dist/index.js')) return undefined;
    return readFileSync(id, 'utf8').replaceAll('module.require', 'require');
  },
};

/**
 * Modules of Node.js are taken as they are. An import statement would ask for every name that one exports, and some are
 * loaded only when they are asked for, such as the client of HTTP behind `node:http`: a tenth of a start.
 */
function takeBuiltins(code) {
  return code.replaceAll(IMPORT, (statement, all, one, some, name) => {
    if (!isBuiltin(name)) return statement;
    const names = [all, one, some?.replaceAll(' as ', ': ')].filter((each) => each !== undefined);
    return names.map((each) => `const ${each} = process.getBuiltinModule("${name}");`).join(' ');
  });
}

async function main(programs) {
  const bundle = await rolldown({
    input: Object.fromEntries(programs.map((path) => [basename(path, '.js'), join(dist, path)])),
    platform: 'node',
    // As Node.js resolves them: graphql has a second copy in the other format, and two copies do not know each other.
    resolve: { mainFields: ['main'] },
    external: (id) => EXTERNAL.some((name) => id === name || id.startsWith(`${name}/`)),
    plugins: [ownPlaces, nativeHash],
    onLog: (_level, { message }) => {
      throw new Error(message);
    },
  });
  const { output } = await bundle.generate({
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: '[name].js',
    keepNames: true,
    sourcemap: 'hidden',
    sourcemapExcludeSources: true,
    codeSplitting: { groups: [{ name: 'vendor', test: /node_modules/ }] },
  });
  mkdirSync(target, { recursive: true });
  const written = new Set();
  const write = (name, text) => {
    writeFileSync(join(target, name), text);
    written.add(name);
  };
  for (const { fileName, code: bundled, map, moduleIds } of output.filter(({ type }) => type === 'chunk')) {
    const code = takeBuiltins(bundled);
    // Node.js reads the whole map of a file that it loads: that of the packages takes as long as all else together.
    const isOwn = map !== null && moduleIds.some((id) => !id.includes('node_modules'));
    write(fileName, isOwn ? `${code}\n//# sourceMappingURL=${fileName}.map\n` : code);
    if (isOwn) write(`${fileName}.map`, map.toString());
  }
  for (const name of readdirSync(target).filter((file) => !written.has(file))) rmSync(join(target, name));
}

await main(process.argv.slice(2));
