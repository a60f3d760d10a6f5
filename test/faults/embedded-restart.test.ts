import { randomUUID } from 'node:crypto';
import { afterEach, expect, it, vi } from 'vitest';
import { openEmbedded } from '../../embedded/open.ts';
import {
  children,
  cleanUp,
  expectRestarted,
  expectWritten,
  kill,
  killServer,
  newFolder,
  open,
  openElsewhere,
  SERVES_AGAIN_MS,
  serversOn,
  write,
} from '../platform/embedded-world.ts';
import { balanceOf, charge, enter, makeQueue, readToken } from '../support/builders.ts';
import { Buyer, post } from '../support/client.ts';
import { startProcess } from '../support/process.ts';
import { AUTH_SECRET } from '../support/world.ts';

afterEach(cleanUp);

it.each(['PostgreSQL', 'Redis'])(
  'starts %s again, with its data, on the address that both processes know, when it dies',
  async (title) => {
    const dataDir = newFolder();
    const here = await open(dataDir);
    const { urls } = await openElsewhere(dataDir);
    await write(urls);
    const dead = serversOn(dataDir)[title === 'PostgreSQL' ? 0 : 1];
    await killServer(dead!);
    await expectRestarted(dataDir, urls, dead!);
    await expectWritten(here);
    await here.close();
    expect(serversOn(dataDir), 'the other process still uses them').toHaveLength(2);
  },
);

it('starts servers again that die after the process that had started them', async () => {
  const dataDir = newFolder();
  const { child, urls } = await openElsewhere(dataDir);
  const here = await open(dataDir);
  await write(urls);
  const dead = serversOn(dataDir);
  await kill(child);
  for (const server of dead) await killServer(server);
  for (const server of dead) await expectRestarted(dataDir, here, server);
  await here.close();
  expect(serversOn(dataDir)).toEqual([]);
});

it('reports that a server died and serves again', async () => {
  const dataDir = newFolder();
  const reports: string[] = [];
  const embedded = await openEmbedded({
    dataDir,
    servers: ['redis'],
    name: 'onsale',
    report: (line) => reports.push(line),
  });
  try {
    await killServer(serversOn(dataDir)[0]!);
    await vi.waitFor(() => expect(reports).toHaveLength(2), SERVES_AGAIN_MS);
    expect(reports).toEqual([`Redis has ended unexpectedly: see ${dataDir}/redis.log.`, 'Redis serves again.']);
  } finally {
    await embedded.close();
  }
});

it('two processes of the product go on by themselves after each server died, also without the process that started them', async () => {
  const env = {
    ...{ DATA_DIR: newFolder(), AUTH_SECRET, DEMO_DATA: 'off' },
    ...{ OPERATOR_NAME: 'operator', OPERATOR_PASSWORD: 'operator-password' },
  };
  const processes = [await startProcess(env), await startProcess(env)] as const;
  children.push(...processes.map(({ child }) => child));
  const [first, second] = processes.map(({ url }) => url) as [string, string];
  const operator = await signIn(first, 'signIn', env.OPERATOR_NAME, env.OPERATOR_PASSWORD);
  const buyer = await signIn(first, 'signUp', 'somebody', 'a long password');
  const queueId = await makeQueue(operator, { capacity: 0 });
  const { value } = await enter(buyer, queueId);
  let balance = 0;
  const chargeAt = async (url: string): Promise<void> => {
    const key = randomUUID();
    await vi.waitFor(async () => {
      expect(await charge(buyer.at(url), 1_000, key)).toMatchObject({ balanceAfter: balance + 1_000 });
    }, SERVES_AGAIN_MS);
    balance += 1_000;
  };
  const hasPlaceAt = (url: string): Promise<void> =>
    vi.waitFor(async () => {
      expect(await readToken(buyer.at(url), value)).toMatchObject({ status: 'WAITING', position: 1 });
    }, SERVES_AGAIN_MS);
  await chargeAt(first);

  for (const server of serversOn(env.DATA_DIR)) {
    await killServer(server);
    for (const url of [first, second]) {
      await chargeAt(url);
      await hasPlaceAt(url);
    }
  }
  await processes[0].stop('SIGKILL');
  for (const server of serversOn(env.DATA_DIR)) {
    await killServer(server);
    await chargeAt(second);
    await hasPlaceAt(second);
  }
  expect(await balanceOf(buyer.at(second))).toBe(balance);
  await processes[1].stop();
  expect(serversOn(env.DATA_DIR), 'the last one stops the servers').toEqual([]);
});

async function signIn(url: string, verb: 'signIn' | 'signUp', name: string, password: string): Promise<Buyer> {
  const query = `mutation ($input: CredentialsInput!) { ${verb}(input: $input) { ... on Session { accessToken user { id } } } }`;
  const { accessToken, user } = (await post(url, query, { input: { name, password } })).data[verb];
  return new Buyer(user.id, accessToken, url);
}
