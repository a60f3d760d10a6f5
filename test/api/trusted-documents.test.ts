import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTrustedDocuments } from '../../src/api/trusted-documents.ts';
import { enter, eventually, makeQueue } from '../support/builders.ts';
import { type Buyer, post } from '../support/client.ts';
import { type AppProcess, startProcess } from '../support/process.ts';
import { Socket } from '../support/socket.ts';
import { Stream } from '../support/stream.ts';
import { World } from '../support/world.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const persisted = (text: string) => ({ persistedQuery: { version: 1, sha256Hash: sha256(text) } });

const SETTINGS = 'query Settings { settings { currency } }\n';
const POSITION = 'subscription ($token: ID!) { queuePosition(token: $token) { status } }';
const WALLET = '{ wallet { balance } }';
/** One that the schema refuses, as a list of an old client may have. */
const OLD = '{ settings { nothing } }';
/** One that is not listed. */
const OTHER = 'query Settings { settings { currency } }';
const NOT_IN_LIST = [{ extensions: { code: 'PERSISTED_QUERY_NOT_IN_LIST' } }];

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'onsale-documents-'));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

const plain = (...texts: string[]) => Object.fromEntries(texts.map((text) => [sha256(text), text]));

describe('with TRUSTED_DOCUMENTS', () => {
  let world: World;
  let url: string;
  let operator: Buyer;
  let buyer: Buyer;
  let token: string;
  beforeAll(async () => {
    const list = write('list.json', plain(SETTINGS, POSITION, WALLET, OLD));
    world = await World.open({ processes: 1, env: { TRUSTED_DOCUMENTS: list } });
    url = world.urls[0] as string;
    operator = await world.operator();
    [buyer] = (await world.buyers(1)) as [Buyer];
    const queueId = await makeQueue(operator, { capacity: 1 });
    // The list has no document with which a buyer could enter.
    token = (await enter(operator, queueId)).value;
  });
  afterAll(() => world.close());

  async function ask(body: object, headers: Record<string, string> = {}) {
    const init = { method: 'POST', headers: { 'content-type': 'application/json', ...headers } };
    const response = await fetch(url, { ...init, body: JSON.stringify(body) });
    return { status: response.status, body: (await response.json()) as { data?: unknown; errors?: unknown } };
  }

  it.each(['application/json', 'application/json;q=0.9'])('a listed document is served, as %s', async (accept) => {
    const answer = { status: 200, body: { data: { settings: { currency: 'KRW' } } } };
    expect(await ask({ extensions: persisted(SETTINGS) }, { accept })).toEqual(answer);
    expect(await ask({ query: SETTINGS }, { accept })).toEqual(answer);
    const search = new URLSearchParams({ extensions: JSON.stringify(persisted(SETTINGS)) });
    expect(await (await fetch(`${url}?${search}`, { headers: { accept } })).json()).toEqual(answer.body);
    expect((await buyer.get(WALLET)).wallet.balance).toBe(0);
  });

  it.each(['application/json', 'application/json;q=0.9'])('any other is refused unread, as %s', async (accept) => {
    for (const query of [OTHER, '{ wallet { balance }', '{ __schema { types { name } } }', '{ __typename }', '']) {
      for (const asked of [
        { query, extensions: persisted(query) },
        ...(query ? [{ query }] : []),
        { extensions: persisted(query) },
      ]) {
        const { status, body } = await ask(asked, { accept });
        expect({ status, body }).toMatchObject({ status: 400, body: { errors: NOT_IN_LIST } });
      }
    }
    const search = new URLSearchParams({ query: OTHER });
    expect(await (await fetch(`${url}?${search}`, { headers: { accept } })).json()).toMatchObject({
      errors: NOT_IN_LIST,
    });
    const signUp = 'mutation { signUp(input: { name: "a sneak", password: "correct horse" }) { __typename } }';
    await ask({ query: signUp }, { accept });
    expect((await world.pool.query(`select 1 from user_account where name = 'a sneak'`)).rows).toEqual([]);
  });

  it('a hash that does not fit its text is refused, be both in the list', async () => {
    const { status, body } = await ask({ query: SETTINGS, extensions: persisted(WALLET) });
    expect({ status, body }).toMatchObject({
      status: 400,
      body: { errors: [{ extensions: { code: 'BAD_REQUEST' } }] },
    });
  });

  it('the list holds over a socket and for streams', async () => {
    const other = `${POSITION} `;
    const socket = await Socket.ready(url, buyer.accessToken);
    const headers = { authorization: `Bearer ${buyer.accessToken}` };
    for (const [index, asked] of [
      { query: other },
      { query: '', extensions: persisted(other) },
      { query: other, extensions: persisted(other) },
    ].entries()) {
      socket.send({ type: 'subscribe', id: `${index}`, payload: { ...asked, variables: { token } } });
      expect((await socket.until(({ id }) => id === `${index}`)).payload).toMatchObject(NOT_IN_LIST);
      const stream = await Stream.open(url, headers, { ...asked, variables: { token } });
      expect((await stream.until(() => true)).errors).toMatchObject(NOT_IN_LIST);
    }
    await socket.close();
    const theirs = await Socket.ready(url, operator.accessToken);
    theirs.send({
      type: 'subscribe',
      id: '1',
      payload: { query: '', extensions: persisted(POSITION), variables: { token } },
    });
    expect((await theirs.until(({ id }) => id === '1')).payload.data.queuePosition.status).toMatch(/^[A-Z]+$/);
    await theirs.close();
  });

  it('an operator is served any document, which then is refused to others as before', async () => {
    const query = '{ settings { timeZone } }';
    expect((await operator.get(query)).settings.timeZone).toBe('Asia/Seoul');
    expect((await operator.get('{ __schema { queryType { name } } }')).__schema.queryType.name).toBe('Query');
    const others: Record<string, string>[] = [{}, { authorization: `Bearer ${buyer.accessToken}` }];
    for (const headers of others) {
      expect(await post(url, query, {}, headers)).toMatchObject({ status: 400, errors: NOT_IN_LIST });
      expect(await ask({ extensions: persisted(query) }, headers)).toMatchObject({ body: { errors: NOT_IN_LIST } });
    }
  });

  it('the pages that the server hands out are listed as they ask', async () => {
    const pages: Record<string, string> = JSON.parse(readFileSync(join(ROOT, 'dist/web-documents.json'), 'utf8'));
    const [settings] = Object.values(pages).filter((text) => /^query Settings /.test(text));
    expect(settings).toContain('__typename');
    expect(await ask({ query: settings })).toMatchObject({
      status: 200,
      body: { data: { settings: { currency: 'KRW' } } },
    });
    expect(Object.entries(pages).filter(([name, text]) => name !== sha256(text))).toEqual([]);
  });

  it('a listed document that the schema refuses is told of at the start, and refused for what is wrong with it', async () => {
    const [{ printed }] = world.processes as [AppProcess];
    await eventually(async () =>
      printed().includes(`TRUSTED_DOCUMENTS has 1 that the schema refuses, such as ${sha256(OLD)}`),
    );
    const { status, body } = await ask({ extensions: persisted(OLD) });
    expect({ status, body }).toMatchObject({
      status: 400,
      body: { errors: [{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }] },
    });
  });
});

describe('a list', () => {
  const apollo = (body: string, id = sha256(body)) => ({
    format: 'apollo-persisted-query-manifest',
    version: 1,
    operations: [{ id, name: 'Settings', type: 'query', body }],
  });
  it.each([
    ['that is not there', join(folder, 'nowhere.json'), 'cannot be read (ENOENT)'],
    ['that is no JSON', write('broken.json', '{'), 'is no list of documents'],
    ['of another form', write('form.json', [SETTINGS]), 'is no list of documents'],
    ['with something else than texts', write('values.json', { [sha256(SETTINGS)]: { body: SETTINGS } }), 'is no list'],
    ['without a document', write('empty.json', {}), 'lists no document'],
    ['with a wrong hash', write('wrong.json', { [sha256(OTHER)]: SETTINGS }), 'which is not its SHA-256 in hex'],
    ['with hashes of another kind', write('sha1.json', { da39a3ee: SETTINGS }), 'which is not its SHA-256 in hex'],
    [
      "of Apollo's, with an id of its own",
      write('own.json', apollo(SETTINGS, 'Settings')),
      'which is not its SHA-256 in hex',
    ],
  ])('%s is refused in one line', async (_what, path, fault) => {
    const error: Error = await readTrustedDocuments(path).then(
      () => Promise.reject(new Error('it was read')),
      (failure: Error) => failure,
    );
    expect(error.message.startsWith(path) && error.message.includes(fault), error.message).toBe(true);
    expect(error.message).not.toContain('\n');
  });

  it('that is refused refuses the start', async () => {
    const path = join(folder, 'nowhere.json');
    const failure = await startProcess({ TRUSTED_DOCUMENTS: path }).catch((error: Error) => error.message);
    expect(String(failure).trim().split('\n').slice(1)).toEqual([`TRUSTED_DOCUMENTS: ${path} cannot be read (ENOENT)`]);
  });

  /** What the command writes, with its exit code. */
  async function list(...args: string[]): Promise<{ code: number; said: string }> {
    const program = join(ROOT, 'dist/bundle/list-documents.js');
    const run = promisify(execFile)(process.execPath, [program, ...args]);
    return run.then(
      ({ stdout }) => ({ code: 0, said: stdout }),
      ({ code, stderr }: { code: number; stderr: string }) => ({ code, said: stderr }),
    );
  }

  it('is made of the documents of a folder as they stand, and of the lists of generators', async () => {
    const documents = mkdtempSync(join(folder, 'client-'));
    writeFileSync(join(documents, 'settings.graphql'), SETTINGS);
    writeFileSync(join(documents, 'notes.txt'), 'nothing');
    const generated = write('generated.json', { [`sha256:${sha256(POSITION)}`]: POSITION });
    const manifest = write('manifest.json', apollo(WALLET));
    const out = join(folder, 'made.json');
    expect(await list(documents, generated, manifest, '--out', out)).toEqual({
      code: 0,
      said: `3 documents are listed in ${out}\n`,
    });
    expect(JSON.parse(readFileSync(out, 'utf8'))).toEqual(plain(SETTINGS, POSITION, WALLET));
  });

  it('is not made of documents that the schema refuses: each is told with its place', async () => {
    const documents = mkdtempSync(join(folder, 'client-'));
    writeFileSync(join(documents, 'good.graphql'), SETTINGS);
    writeFileSync(join(documents, 'old.graphql'), `\n${OLD}`);
    const out = join(folder, 'never.json');
    const { code, said } = await list(documents, '--out', out);
    expect({ code, said }).toEqual({
      code: 1,
      said: expect.stringMatching(/old\.graphql:2 Cannot query field "nothing"/),
    });
    expect(() => readFileSync(out)).toThrow('ENOENT');
    expect(await list(mkdtempSync(join(folder, 'empty-')))).toMatchObject({ code: 1 });
    expect(await list()).toMatchObject({ code: 2, said: expect.stringContaining('Usage') });
  });
});
