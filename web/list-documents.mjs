// Writes dist/web-documents.json: the documents of the pages, each as Apollo Client sends it, for deployments that serve only
// listed ones. Run by scripts/build.mjs, after codegen.mjs.
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as generated from './gql/graphql.ts';
import { textOf } from './server/document-text.ts';

const isOperation = ({ kind }) => kind === 'OperationDefinition';

const texts = Object.values(generated)
  .filter(({ kind, definitions }) => kind === 'Document' && definitions.some(isOperation))
  .map(textOf);
const listed = Object.fromEntries(texts.map((text) => [createHash('sha256').update(text).digest('hex'), text]));
writeFileSync(join(import.meta.dirname, '..', 'dist', 'web-documents.json'), `${JSON.stringify(listed, null, 2)}\n`);
