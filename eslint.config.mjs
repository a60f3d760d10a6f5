// The rules of graphql-eslint for schema/schema.graphql, run by `npm run schema:lint`. Nothing else is linted by ESLint.
import { readFileSync } from 'node:fs';
import graphqlEslint from '@graphql-eslint/eslint-plugin';
import { buildSchema, isObjectType } from 'graphql';

const SDL = 'schema/schema.graphql';

const types = Object.values(buildSchema(readFileSync(SDL, 'utf8')).getTypeMap());

/** Types without `id: ID!`, by the reason that they need none: nobody reads, changes or caches one of them by itself. */
const WITHOUT_ID = {
  'A refusal is told once, to one caller.': types
    .filter((type) => isObjectType(type) && type.getInterfaces().some(({ name }) => name === 'Problem'))
    .map(({ name }) => name),
  'A sum, a state or an answer of the moment.': [
    ...['Audit', 'AuditCheck', 'CacheStats', 'CheckedIn', 'ExportLink', 'NewWebhook', 'OperatorLogTotals', 'PageInfo'],
    ...['QueueBoard', 'QueueHistoryPoint', 'QueueShuffle', 'QueueStats', 'SalesEventBatch', 'SalesHistoryPoint'],
    ...['SalesTotals', 'SeatChange', 'SeatStates', 'Session', 'Settings', 'ShowRefunds', 'ShowStats'],
  ],
  'A part of one whole, which has the id; a row of a list that is read whole.': [
    ...['BestSeller', 'DeadLetter', 'LineShortage', 'OrderLine', 'ReachedOrderLimit', 'RefundLine', 'SeatsLeft'],
    'StockShortage',
  ],
  'A ticket is named by its `code`, the wallet by whose it is.': ['Ticket', 'Wallet'],
};

export default [
  {
    files: [SDL],
    languageOptions: { parser: graphqlEslint.parser, parserOptions: { graphQLConfig: { schema: SDL } } },
    plugins: { '@graphql-eslint': graphqlEslint },
    rules: {
      ...graphqlEslint.configs['flat/schema-recommended'].rules,
      ...graphqlEslint.configs['flat/schema-relay'].rules,
      '@graphql-eslint/strict-id-in-types': [
        'error',
        {
          exceptions: {
            types: Object.values(WITHOUT_ID).flat(),
            // They are made by what is asked for: Relay and Apollo keep them under the field and its arguments.
            suffixes: ['Connection', 'Edge'],
          },
        },
      ],
      '@graphql-eslint/relay-edge-types': [
        'error',
        {
          withEdgeSuffix: true,
          // There is no `node(id:)`, since a UUID names no type: docs/decisions/2026-11-26-roots-that-can-be-null.md.
          shouldImplementNode: false,
          // What has an end that one answer holds, such as the lines of an order or the seats of a show, is a plain list.
          listTypeCanWrapOnlyEdgeType: false,
        },
      ],
    },
  },
];
