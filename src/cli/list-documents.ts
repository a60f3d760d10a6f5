import 'reflect-metadata';
import { hash } from 'node:crypto';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Documents } from '../api/documents.ts';
import { makeSchema } from '../api/schema.ts';
import { readTrustedDocuments } from '../api/trusted-documents.ts';

const USAGE = 'Usage: npm run trusted-documents -- <folder or list>... [--out trusted-documents.json]\n';

/**
 * Writes the list for TRUSTED_DOCUMENTS. Of a folder each file that ends with .graphql or .gql is one document, exactly
 * as it stands there; a file is a list whose documents are added, as generators of clients write them. Nothing is written
 * unless the schema accepts every document.
 * @returns the exit code: 1 when a file is at fault, 2 for a call without a folder or list
 */
async function listDocuments(sources: readonly string[], out: string): Promise<number> {
  if (sources.length === 0) {
    process.stderr.write(USAGE);
    return 2;
  }
  const schema = new Documents(makeSchema(), false);
  const listed = new Map<string, string>();
  const faults: string[] = [];
  for (const source of sources) {
    for (const { path, text } of await textsIn(source)) {
      const document = schema.validate(text);
      if ('kind' in document) listed.set(hash('sha256', text), text);
      else faults.push(...document.map(({ message, locations }) => `${path}:${locations?.[0]?.line ?? 1} ${message}`));
    }
  }
  if (faults.length > 0) {
    process.stderr.write(`${faults.join('\n')}\n`);
    return 1;
  }
  const sorted = Object.fromEntries([...listed].sort(([a], [b]) => (a < b ? -1 : 1)));
  await writeFile(out, `${JSON.stringify(sorted, null, 2)}\n`);
  process.stdout.write(`${listed.size} documents are listed in ${out}\n`);
  return 0;
}

interface Found {
  /** Of the file that it was found in. */
  readonly path: string;
  readonly text: string;
}

async function textsIn(source: string): Promise<Found[]> {
  if (!(await stat(source)).isDirectory()) {
    return [...(await readTrustedDocuments(source)).values()].map((text) => ({ path: source, text }));
  }
  const entries = await readdir(source, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && /\.(graphql|gql)$/.test(entry.name));
  if (files.length === 0) throw new Error(`${source} has no document: no file ends with .graphql or .gql`);
  const paths = files.map(({ parentPath, name }) => join(parentPath, name)).sort();
  return Promise.all(paths.map(async (path) => ({ path, text: await readFile(path, 'utf8') })));
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { out: { type: 'string' } } });
  return listDocuments(positionals, values.out ?? 'trusted-documents.json');
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    process.exitCode = 1;
  },
);
