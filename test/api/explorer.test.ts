import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type FastifyInstance, fastify } from 'fastify';
import {
  buildSchema,
  type DocumentNode,
  Kind,
  type OperationDefinitionNode,
  parse,
  type SelectionSetNode,
  validate,
} from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serveExplorer } from '../../src/api/explorer.ts';
import { hasExplorer, readConfig } from '../../src/config.ts';
import { headersFrom, isRefusal, valuesFrom, variablesOf } from '../../web/explorer/answers.ts';
import { readyTabs } from '../../web/explorer/ready-tabs.ts';
import { scratchFolder } from '../support/scratch.ts';

const PAGE = '<!doctype html><title>the explorer</title>';
const ANSWER = '{"data":null}';
const BROWSER = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

let folder: string;
let http: FastifyInstance;
beforeAll(async () => {
  folder = await scratchFolder('onsale-explorer-');
  await mkdir(join(folder, 'assets'));
  await writeFile(join(folder, 'index.html'), PAGE);
  await writeFile(join(folder, 'assets', 'index-1.js'), '"a script"');
  http = fastify();
  const explorer = serveExplorer(http, folder);
  http.route({
    method: ['GET', 'POST'],
    url: '/graphql',
    handler: async (request, reply) => (explorer?.isAskedFor(request) ? explorer.send(request, reply) : ANSWER),
  });
});
afterAll(async () => {
  await http.close();
  await rm(folder, { recursive: true, force: true });
});

it('a browser at /graphql gets the explorer, under a policy that runs nothing but its own scripts', async () => {
  const { statusCode, headers, body } = await http.inject({ url: '/graphql', headers: BROWSER });
  expect([statusCode, body]).toEqual([200, PAGE]);
  expect(headers).toMatchObject({
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-cache',
    'content-security-policy':
      "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  });
  const script = await http.inject('/explorer/assets/index-1.js');
  expect([script.statusCode, script.body]).toEqual([200, '"a script"']);
  expect(script.headers['cache-control']).toBe('public, max-age=31536000, immutable');
});

it.each([
  ['a client', { url: '/graphql' }],
  ['a client that takes JSON', { url: '/graphql', headers: { accept: 'application/graphql-response+json' } }],
  ['a browser that asks a query', { url: '/graphql?query=%7Bsettings%7Bcurrency%7D%7D', headers: BROWSER }],
  ['a form that posts', { url: '/graphql', method: 'POST', headers: BROWSER } as const],
])('%s is answered by GraphQL and not with the page', async (_who, request) => {
  expect((await http.inject(request)).body).toBe(ANSWER);
});

it('it is on unless it is switched off, and off in production unless it is switched on', async () => {
  const isOn = (env: NodeJS.ProcessEnv): boolean => hasExplorer(readConfig(env));
  const [production, development] = [{ NODE_ENV: 'production' }, {}];
  expect([isOn(development), isOn({ EXPLORER: 'off' })]).toEqual([true, false]);
  expect([isOn(production), isOn({ ...production, EXPLORER: 'on' })]).toEqual([false, true]);
});

/** Keys of everything that is selected. */
function keysIn({ selections }: SelectionSetNode): string[] {
  return selections.flatMap((node) => {
    const key = node.kind === Kind.FIELD ? [(node.alias ?? node.name).value] : [];
    return 'selectionSet' in node && node.selectionSet ? [...key, ...keysIn(node.selectionSet)] : key;
  });
}

const operationsOf = ({ definitions }: DocumentNode): OperationDefinitionNode[] =>
  definitions.filter((node) => node.kind === Kind.OPERATION_DEFINITION);

describe.each(readyTabs().map(({ query, variables }) => [query.split('\n')[0], query, JSON.parse(variables)] as const))(
  'the ready tab %s',
  (_title, query, variables) => {
    it('fits the schema', async () => {
      const schema = buildSchema(await readFile(new URL('../../schema/schema.graphql', import.meta.url), 'utf8'));
      expect(validate(schema, parse(query))).toEqual([]);
    });

    it('needs no value that is neither prepared nor in an answer above', () => {
      const known = new Set(Object.keys(variables).filter((name) => variables[name] !== '' || name === 'password'));
      for (const operation of operationsOf(parse(query))) {
        const needed = variablesOf({ kind: Kind.DOCUMENT, definitions: [operation] });
        expect([operation.name?.value, [...needed].filter((name) => !known.has(name))]).toEqual([
          operation.name?.value,
          [],
        ]);
        for (const key of keysIn(operation.selectionSet)) known.add(key);
      }
    });

    it('ends with a payment, and subscribes to something on the way', () => {
      const operations = operationsOf(parse(query));
      expect(operations.map(({ name }) => name?.value)).toContain('Pay');
      expect(operations.map(({ operation }) => operation)).toContain('subscription');
    });
  },
);

describe('answers', () => {
  it('fill variables of the same name, from the row of a list that has most of them', () => {
    const open = { concertId: 'a', queue: null, shows: [{ showId: 'b' }] };
    const queued = { concertId: 'c', queue: { queueId: 'd' }, shows: [{ showId: 'e' }, { showId: 'f' }] };
    const names = new Set(['concertId', 'queueId', 'showId', 'amount']);
    expect(valuesFrom({ concerts: [open, queued, queued] }, names)).toEqual({
      concertId: 'c',
      queueId: 'd',
      showId: 'e',
    });
    expect(valuesFrom({ shows: [] }, names)).toEqual({});
    expect(valuesFrom(null, names)).toEqual({});
  });

  it('fill the headers of the access token and of the queue token', () => {
    expect(headersFrom({ signUp: { accessToken: 'a.b.c' }, enterQueue: { queueToken: 'd' } })).toEqual({
      authorization: 'Bearer a.b.c',
      'x-queue-token': 'd',
    });
    expect(headersFrom({ signUp: { code: 'NAME_TAKEN' } })).toEqual({});
  });

  it('are refusals where a Problem is in them', () => {
    expect(isRefusal({ signUp: { code: 'NAME_TAKEN', message: 'This name is taken.' } })).toBe(true);
    expect(isRefusal({ tickets: [{ code: 'a ticket', seat: { label: 'A1' } }], other: null })).toBe(false);
  });
});
