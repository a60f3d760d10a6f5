import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { isPublicAddress } from '../../src/platform/public-address.ts';
import { becomes, makeChannel, REGISTER, schedule } from '../support/alerts.ts';
import { eventually } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { Receiver } from '../support/receiver.ts';
import { World } from '../support/world.ts';

let receiver: Receiver;
let world: World;
let operator: Buyer;
beforeAll(async () => {
  receiver = await Receiver.open();
  const env = { ...receiver.env, LOG_LEVEL: 'trace' };
  world = await World.open({ processes: 1, env, preload: './resolve-inside.ts' });
  operator = await world.operator();
});
afterAll(async () => {
  await world.close();
  await receiver.close();
});

it.each([
  ['1.1.1.1', true],
  ['172.15.255.255', true],
  ['172.32.0.0', true],
  ['2606:4700:4700::1111', true],
  ['172.16.0.0', false],
  ['198.19.255.255', false],
  ['240.0.0.1', false],
  ['::ffff:1.1.1.1', false],
  ['2001:db8::1', false],
  ['2001::1', false],
  ['fec0::1', false],
  ['ff02::1', false],
  ['fe80::1%lo', false],
  ['localhost', false],
  ['', false],
])('whether %s is public: %s', (address, isPublic) => {
  expect(isPublicAddress(address)).toBe(isPublic);
});

it.each(['inside', 'mixed', 'mapped'])(
  'a name that leads to this machine when an alert is sent is not connected to: %s.example.com',
  async (name) => {
    const host = `${name}.example.com`;
    const before = receiver.connections;
    const { id } = await schedule(operator, await makeChannel(operator, receiver.url('/inside', host)));
    await becomes(operator, id, { status: 'SCHEDULED', attempts: 1, lastError: 'ADDRESS_REFUSED' });
    const asked = world.processes[0]?.messages.filter(({ value }) => value === host);
    expect(asked, 'the DNS was asked once: there was no second answer to connect to').toHaveLength(1);
    expect(receiver.connections).toBe(before);
  },
);

it('ALERT_HOSTS opens the hosts that it names, and nothing beside them: not their addresses', async () => {
  const { id } = await schedule(operator, await makeChannel(operator, receiver.url('/open', 'LocalHost')));
  await becomes(operator, id, { status: 'SENT' });
  const input = { name: 'a', kind: 'SLACK', url: receiver.url('/', '127.0.0.1') };
  expect(await operator.fail(REGISTER, { input })).toBe('BAD_USER_INPUT');
});

it('a host that was opened when its channel was registered, and is no longer, is not connected to', async () => {
  const channel = await makeChannel(operator, receiver.url('/closed'));
  const other = await World.open({
    processes: 1,
    env: { NODE_EXTRA_CA_CERTS: receiver.env.NODE_EXTRA_CA_CERTS ?? '' },
  });
  try {
    const { rows } = await world.pool.query('select * from alert_channel where id = $1', [channel]);
    await other.pool.query('insert into alert_channel (id, name, kind, url) values ($1, $2, $3, $4)', [
      ...[rows[0].id, rows[0].name, rows[0].kind, rows[0].url],
    ]);
    const closed = await other.operator();
    const { id } = await schedule(closed, channel);
    await becomes(closed, id, { attempts: 1, lastError: 'ADDRESS_REFUSED' });
    expect(receiver.at('/closed')).toEqual([]);
  } finally {
    await other.close();
  }
});

it('a receiver whose certificate is not trusted gets nothing', async () => {
  const stranger = await Receiver.open();
  try {
    const { id } = await schedule(operator, await makeChannel(operator, stranger.url('/stranger')));
    await becomes(operator, id, { attempts: 1, lastError: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    expect(stranger.heard).toEqual([]);
  } finally {
    await stranger.close();
  }
});

it('the URL of a channel is nowhere to be seen: not in the schema, an answer, an error or a log', async () => {
  const secret = 'T0PSECRET';
  const sdl = readFileSync(new URL('../../schema/schema.graphql', import.meta.url), 'utf8');
  expect(/^type AlertChannel \{\n(.*?)\n\}/ms.exec(sdl)?.[1]?.match(/(?<=^ {2})\w+(?=:)/gm)).toEqual([
    'id',
    'kind',
    'name',
    'removedAt',
  ]);
  receiver.answer(`/${secret}`, (response) => response.writeHead(500).end(secret));
  const urls = [receiver.url(`/${secret}`), `https://localhost:1/${secret}`, `https://mixed.example.com/${secret}`];
  const answers: Data[] = [];
  for (const url of urls) {
    const { data } = await operator.ask(REGISTER, { input: { name: 'b', kind: 'WEBHOOK', url } });
    const alert = await schedule(operator, data.registerAlertChannel.id);
    await world.pool.query('update alert set attempts = 4 where id = $1', [alert.id]);
    answers.push(data, alert, await becomes(operator, alert.id, { status: 'FAILED' }));
  }
  await world.pool.query(`alter table alert_channel add constraint broken check (name <> 'broken')`);
  const input = { name: 'broken', kind: 'SLACK', url: `https://hooks.example.com/${secret}` };
  const { errors } = await operator.ask(REGISTER, { input });
  expect(errors).toMatchObject([{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }]);
  const logged = () => world.processes[0]?.log() ?? '';
  await eventually(() => logged().includes(errors?.[0]?.extensions.requestId as string));
  const log = logged();
  expect(log, 'giving up was logged').toContain('an alert could not be sent');
  expect(JSON.stringify([answers, errors]) + log).not.toContain(secret);
});
