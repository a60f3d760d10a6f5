// Types of ../schema/schema.graphql and of documents/, for all clients but Relay, which has a compiler of its own.
import type { CodegenConfig } from '@graphql-codegen/cli';
import { addTypenameSelectionDocumentTransform } from '@graphql-codegen/client-preset';

const config: CodegenConfig = {
  schema: '../schema/schema.graphql',
  documents: 'documents/*.graphql',
  generates: {
    'gql/': {
      preset: 'client',
      // Every selection has __typename, as Apollo Client and urql add it: so what is sent is what was generated.
      documentTransforms: [addTypenameSelectionDocumentTransform],
      presetConfig: { fragmentMasking: false, skipIndexFile: true, persistedDocuments: true },
      config: {
        // A scalar that is not named here fails the generation.
        strictScalars: true,
        scalars: { Money: 'number', DateTime: 'string', LocalDate: 'string', JSONObject: 'Record<string, unknown>' },
        useTypeImports: true,
        importExtension: '.ts',
      },
    },
  },
};

export default config;
