// Compresses what Vite made in a folder of dist, so that the server only hands it out, and says how large it is.
//   pack-web.mjs FOLDER [MOST]
// MOST bytes of script, as gzip packs it, are what the first page of a visitor may load. Run by build.mjs.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

/** Beyond this Brotli takes seconds to save a few percent. */
const BROTLI_QUALITY = 9;
const TEXT = /\.(html|js|css|svg|json|txt)$/;

const [folder = '', most] = process.argv.slice(2);

const packed = new Map(
  readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && TEXT.test(entry.name))
    .map((entry) => pack(join(entry.parentPath, entry.name))),
);

const page = readFileSync(join(folder, 'index.html'), 'utf8');
const first = [...page.matchAll(/(?:src|href)="\/[^"]*(assets\/[^"]+\.js)"/g)].map(([, path]) => packed.get(path));
const bytes = first.reduce((sum, size) => sum + size, 0);
const scripts = [...packed].filter(([path]) => path.endsWith('.js'));
const all = scripts.reduce((sum, [, size]) => sum + size, 0);
const limit = most ? ` (at most ${kilobytes(most)})` : '';
process.stdout.write(
  `${folder}: ${kilobytes(bytes)} of script in the first load${limit}, ${kilobytes(all)} in all, as gzip\n`,
);
if ((most && bytes > most) || first.length === 0) process.exitCode = 1;

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
  return `${(Number(count) / 1000).toFixed(1)} KB`;
}
