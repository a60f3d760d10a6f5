import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { becomes, makeChannel, REGISTER, SCHEDULE, schedule } from '../support/alerts.ts';
import type { Buyer, Data } from '../support/client.ts';
import { forgedCursor } from '../support/cursors.ts';
import { Receiver } from '../support/receiver.ts';
import { World } from '../support/world.ts';

const ID = '00000000-0000-7000-8000-000000000000';

let receiver: Receiver;
let world: World;
let operator: Buyer;
beforeAll(async () => {
  receiver = await Receiver.open();
  world = await World.open({ processes: 1, env: receiver.env });
  operator = await world.operator();
});
afterAll(async () => {
  await world.close();
  await receiver.close();
});

async function counts(): Promise<unknown> {
  const text = 'select (select count(*) from alert_channel) as channels, (select count(*) from alert) as alerts';
  return (await world.pool.query(text)).rows;
}

/** Refused with the code in words of ours that do not repeat `secret`, and nothing was written. */
async function expectRefused(code: string, query: string, input: object, secret = 'SQL'): Promise<void> {
  const before = await counts();
  const { data, errors } = await operator.ask(query, { input });
  expect(data ?? null).toBeNull();
  expect(errors).toMatchObject([{ extensions: { code } }]);
  expect(errors?.[0]?.message).not.toContain(secret);
  expect(await counts()).toEqual(before);
}

describe('a channel is refused', () => {
  it.each([
    { name: '' },
    { name: 'x'.repeat(201) },
    { name: 'a\0b' },
    { kind: 'EMAIL' },
    { url: '' },
    { url: 'hooks.example.com/secret' },
    { url: 'http://hooks.example.com/secret' },
    { url: 'ftp://hooks.example.com/secret' },
    { url: 'file:///etc/secret' },
    { url: 'https://' },
    { url: 'https://user@hooks.example.com/secret' },
    { url: 'https://user:secret@hooks.example.com/' },
    { url: 'https://:secret@hooks.example.com/' },
    { url: `https://hooks.example.com/secret${'x'.repeat(2_000)}` },
    { url: 'https://hooks.example.com/\ud83d' },
  ])('with %j', async (wrong) => {
    const input = { name: 'a', kind: 'SLACK', url: 'https://hooks.example.com/secret', ...wrong };
    await expectRefused('BAD_USER_INPUT', REGISTER, input, 'secret');
  });

  it.each([
    ...['127.0.0.1', '127.1', '2130706433', '0x7f000001', '0177.0.0.1', '0.0.0.0', '10.1.2.3', '172.31.0.1'],
    ...['192.168.0.1', '169.254.169.254', '100.64.0.1', '224.0.0.1', '255.255.255.255', '１２７.0.0.1'],
    ...['[::1]', '[::]', '[fe80::1]', '[fd00::1]', '[::ffff:127.0.0.1]', '[64:ff9b::7f00:1]', '[2002:7f00:1::]'],
    ...['hooks.localhost', 'LOCALHOST.', 'localhost.'],
  ])('where its host says that it is not public: %s', async (host) => {
    const input = { name: 'a', kind: 'SLACK', url: `https://${host}/secret` };
    await expectRefused('BAD_USER_INPUT', REGISTER, input, 'secret');
  });
});

describe('an alert is refused', () => {
  it.each([{ text: '' }, { text: 'x'.repeat(4_001) }, { text: 'a\0b' }, { text: '\ud83d' }, { sendAt: 'tomorrow' }])(
    'with %j',
    async (wrong) => {
      const channelId = await makeChannel(operator, 'https://hooks.example.com/a');
      await expectRefused('BAD_USER_INPUT', SCHEDULE, { channelId, text: 'a', ...wrong });
    },
  );

  it('for a channel that there is not, or that cannot be one', async () => {
    await expectRefused('NOT_FOUND', SCHEDULE, { channelId: ID, text: 'a' });
    await expectRefused('BAD_USER_INPUT', SCHEDULE, { channelId: 'a', text: 'a' });
  });

  it('but not for having as much text as there may be', async () => {
    const sendAt = new Date(Date.now() + 3_600_000);
    const channel = await makeChannel(operator, receiver.url('/long'), { name: '가'.repeat(200) });
    expect((await schedule(operator, channel, { text: '🎟'.repeat(4_000), sendAt })).text).toHaveLength(8_000);
  });
});

it('alerts come newest first in pages, also by status, and no foreign cursor is taken', async () => {
  const sendAt = new Date(Date.now() + 3_600_000);
  const channel = await makeChannel(operator, receiver.url('/pages'), { name: 'pages' });
  const made = [];
  for (const text of ['one', 'two', 'three']) made.push((await schedule(operator, channel, { text, sendAt })).text);
  const query = `query ($first: Int!, $after: String, $status: AlertStatus) {
    alerts(first: $first, after: $after, status: $status) {
      edges { cursor node { text status channel { name } } } pageInfo { hasNextPage endCursor } } }`;
  const page = (await operator.get(query, { first: 2, status: 'SCHEDULED' })).alerts;
  expect(page.edges.map(({ node }: Data) => node.text)).toEqual(['three', 'two']);
  expect(page).toMatchObject({
    edges: [{ node: { channel: { name: 'pages' } } }, {}],
    pageInfo: { hasNextPage: true },
  });
  const { id } = await schedule(operator, channel, { text: 'newer' });
  await becomes(operator, id, { status: 'SENT' });
  const rest = (await operator.get(query, { first: 1, after: page.pageInfo.endCursor })).alerts;
  expect(rest.edges[0].node.text).toBe('one');
  const sent = (await operator.get(query, { first: 100, status: 'SENT' })).alerts.edges;
  expect(sent.map(({ node }: Data) => node.text)).toEqual(['newer']);
  const concert = forgedCursor('concert', ID);
  for (const wrong of [{ first: 0 }, { first: 101 }, { after: '' }, { after: concert }, { status: 'LOST' }]) {
    expect(await operator.fail(query, { first: 1, ...wrong })).toBe('BAD_USER_INPUT');
  }
});
