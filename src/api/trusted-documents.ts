import { hash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import * as z from 'zod/mini';

/** The texts of the documents that are served, by their SHA-256 in lower-case hex. */
export type TrustedDocuments = ReadonlyMap<string, string>;

/** A list as GraphQL Code Generator and Relay write it: texts by their hash, which may have a prefix. */
const PLAIN = z.record(z.string(), z.string());
const PREFIX = /^sha256:/;
/** A list of `@apollo/generate-persisted-query-manifest`. */
const APOLLO = z.object({
  format: z.literal('apollo-persisted-query-manifest'),
  version: z.literal(1),
  operations: z.array(z.object({ id: z.string(), body: z.string() })),
});

/** Where the build lists the documents of the pages that this server hands out. */
const OF_PAGES = fileURLToPath(new URL('../../web-documents.json', import.meta.url));

/**
 * Reads the list of a deployment, and adds the documents of the pages, where they were built.
 * @param path of the list
 * @throws Error as `readTrustedDocuments`
 */
export async function readAllTrusted(path: string): Promise<TrustedDocuments> {
  const listed = await readTrustedDocuments(path);
  return existsSync(OF_PAGES) ? new Map([...listed, ...(await readTrustedDocuments(OF_PAGES))]) : listed;
}

/**
 * Reads a list of trusted documents.
 * @param path of a file of JSON, in either form
 * @throws Error with one sentence that says what is wrong with the file
 */
export async function readTrustedDocuments(path: string): Promise<TrustedDocuments> {
  const content = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Error(`${path} cannot be read (${error.code})`);
  });
  const listed = textsIn(content);
  if (!listed) {
    throw new Error(
      `${path} is no list of documents: it must be JSON, {"<SHA-256>": "<document>"} or Apollo's manifest`,
    );
  }
  if (listed.length === 0) throw new Error(`${path} lists no document`);
  const wrong = listed.find(([name, text]) => name !== hash('sha256', text));
  if (wrong)
    throw new Error(`${path} has a document under "${wrong[0].slice(0, 64)}", which is not its SHA-256 in hex`);
  return new Map(listed);
}

function textsIn(content: string): (readonly [hash: string, text: string])[] | undefined {
  let json: unknown;
  try {
    json = JSON.parse(content);
  } catch {
    return undefined;
  }
  const apollo = APOLLO.safeParse(json);
  if (apollo.success) return apollo.data.operations.map(({ id, body }) => [id, body] as const);
  const plain = PLAIN.safeParse(json);
  return plain.success
    ? Object.entries(plain.data).map(([key, text]) => [key.replace(PREFIX, ''), text] as const)
    : undefined;
}
