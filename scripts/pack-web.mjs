// Compresses what Vite made in dist/web, so that the server only hands it out, and checks how large the first load is.
// Run by build.mjs.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

/** Most bytes of script, as gzip packs it, that the first page of a visitor loads. */
const MAX_FIRST_LOAD = 200_000;
/** Beyond this Brotli takes seconds to save a few percent. */
const BROTLI_QUALITY = 9;
const TEXT = /\.(html|js|css|svg|json|txt)$/;

const folder = join(import.meta.dirname, '..', 'dist', 'web');

const packed = new Map(
  readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && TEXT.test(entry.name))
    .map((entry) => pack(join(entry.parentPath, entry.name))),
);

const page = readFileSync(join(folder, 'index.html'), 'utf8');
const first = [...page.matchAll(/(?:src|href)="\/(assets\/[^"]+\.js)"/g)].map(([, path]) => packed.get(path));
const bytes = first.reduce((sum, size) => sum + size, 0);
const scripts = [...packed].filter(([path]) => path.endsWith('.js') && !path.includes('explorer'));
const all = scripts.reduce((sum, [, size]) => sum + size, 0);
process.stdout.write(
  `pages: ${kilobytes(bytes)} of script in the first load (at most ${kilobytes(MAX_FIRST_LOAD)}), ${kilobytes(all)} in all, as gzip\n`,
);
if (bytes > MAX_FIRST_LOAD || first.length === 0) process.exitCode = 1;

/** Writes the file's compressed forms beside it. Returns its path in the folder and its size as gzip packs it. */
function pack(path) {
  const content = readFileSync(path);
  const gzip = gzipSync(content, { level: 9 });
  const params = { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY };
  writeFileSync(`${path}.gz`, gzip);
  writeFileSync(`${path}.br`, brotliCompressSync(content, { params }));
  return [relative(folder, path), gzip.length];
}

function kilobytes(count) {
  return `${(count / 1000).toFixed(1)} KB`;
}
