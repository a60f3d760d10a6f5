// Makes web/gql of schema/schema.graphql and the documents of the pages: a type for each, which the type check compares with
// how the pages use it. Fails when a document does not fit the schema.
import { join } from 'node:path';
import { generate } from '@graphql-codegen/cli';

const root = join(import.meta.dirname, '..');

try {
  await generate(
    {
      cwd: root,
      silent: true,
      schema: 'schema/schema.graphql',
      // Those of the explorer are texts that people read and run there.
      documents: ['web/**/*.graphql', '!web/explorer/**', '!web/node_modules/**'],
      generates: {
        'web/gql/': {
          preset: 'client',
          presetConfig: { fragmentMasking: false },
          config: {
            useTypeImports: true,
            enumsAsTypes: true,
            strictScalars: true,
            scalars: {
              DateTime: 'string',
              LocalDate: 'string',
              Money: 'number',
              JSONObject: 'Record<string, unknown>',
            },
          },
        },
      },
    },
    true,
  );
} catch (error) {
  for (const { message } of error.errors ?? [error]) process.stderr.write(`${message}\n`);
  process.exitCode = 1;
}
