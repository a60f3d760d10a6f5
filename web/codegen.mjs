// Makes web/gql of schema/schema.graphql and the documents of the pages: a type for each, which the type check compares with
// how the pages use it. Fails when a document does not fit the schema. Calls the client preset of GraphQL Code Generator itself:
// its command line, which does the same, comes with eighty packages.
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { preset } from '@graphql-codegen/client-preset';
import { codegen } from '@graphql-codegen/core';
import { buildASTSchema, parse } from 'graphql';

const root = join(import.meta.dirname, '..');
const target = 'web/gql/';

const config = {
  useTypeImports: true,
  enumsAsTypes: true,
  strictScalars: true,
  scalars: {
    DateTime: 'string',
    LocalDate: 'string',
    Money: 'number',
    JSONObject: 'Record<string, unknown>',
  },
};

function source(location) {
  const rawSDL = readFileSync(join(root, location), 'utf8');
  return { location, rawSDL, document: parse(rawSDL) };
}

try {
  const schema = source('schema/schema.graphql').document;
  const files = await preset.buildGeneratesSection({
    schema,
    schemaAst: buildASTSchema(schema),
    // Those of the explorer are deeper: texts that people read and run there.
    documents: globSync('web/*/*.graphql', { cwd: root }).sort().map(source),
    baseOutputDir: target,
    config,
    presetConfig: { fragmentMasking: false },
    plugins: [],
    pluginMap: {},
  });
  const texts = await Promise.all(files.map(codegen));
  mkdirSync(join(root, target), { recursive: true });
  for (const [i, { filename }] of files.entries()) writeFileSync(join(root, filename), texts[i]);
} catch (error) {
  for (const { message } of error.errors ?? [error]) process.stderr.write(`${message}\n`);
  process.exitCode = 1;
}
