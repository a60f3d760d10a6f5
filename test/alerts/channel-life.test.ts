import { afterAll, beforeAll, expect, it } from 'vitest';
import { ALERT, becomes, dueIn, makeChannel, makeDue, readAlert, SCHEDULE, schedule } from '../support/alerts.ts';
import type { Buyer, Data } from '../support/client.ts';
import { Receiver } from '../support/receiver.ts';
import { World } from '../support/world.ts';

const CHANNELS = '{ alertChannels { id name kind removedAt } }';
const REMOVE = 'mutation ($id: ID!) { removeAlertChannel(id: $id) { id name removedAt } }';
const TEST = `mutation ($id: ID!) { testAlertChannel(id: $id) { ${ALERT} } }`;
const NOBODY = '00000000-0000-7000-8000-000000000000';

let receiver: Receiver;
let world: World;
let operator: Buyer;
beforeAll(async () => {
  receiver = await Receiver.open();
  world = await World.open({ env: receiver.env });
  operator = await world.operator();
});
afterAll(async () => {
  await world.close();
  await receiver.close();
});

const later = () => new Date(Date.now() + 3_600_000);

it('channels are listed, oldest first, until they are removed', async () => {
  const first = await makeChannel(operator, receiver.url('/first'), { name: 'first' });
  const second = await makeChannel(operator, receiver.url('/second'), { name: 'second', kind: 'SLACK' });
  expect((await operator.get(CHANNELS)).alertChannels).toEqual([
    { id: first, name: 'first', kind: 'WEBHOOK', removedAt: null },
    { id: second, name: 'second', kind: 'SLACK', removedAt: null },
  ]);
  await operator.get(REMOVE, { id: first });
  expect((await operator.get(CHANNELS)).alertChannels.map(({ id }: Data) => id)).toEqual([second]);
});

it('a test is an alert of now', async () => {
  const id = await makeChannel(operator, receiver.url('/test'));
  const { testAlertChannel: alert } = await operator.get(TEST, { id });
  expect(alert).toMatchObject({ status: 'SCHEDULED', attempts: 0, channel: { id } });
  await becomes(operator, alert.id, { status: 'SENT', attempts: 1 });
  expect(receiver.at('/test').map(({ body }) => body.text)).toEqual([
    'This is a test of an alert channel of Onsale. Nothing is wrong.',
  ]);
});

it('removing fails what is scheduled, keeps what was sent, and answers the same again at another process', async () => {
  const id = await makeChannel(operator, receiver.url('/removed'));
  const other = await makeChannel(operator, receiver.url('/other'));
  const sent = await schedule(operator, id);
  await becomes(operator, sent.id, { status: 'SENT' });
  const planned = await schedule(operator, id, { sendAt: later() });
  const unharmed = await schedule(operator, other, { sendAt: later() });
  const { removeAlertChannel: removed } = await operator.get(REMOVE, { id });
  expect(Date.parse(removed.removedAt)).toBeGreaterThan(0);
  const failed = { status: 'FAILED', attempts: 0, lastError: 'CHANNEL_REMOVED', channel: { id } };
  expect(await readAlert(operator, planned.id)).toMatchObject(failed);
  expect(await readAlert(operator, sent.id)).toMatchObject({ status: 'SENT', lastError: null });
  expect(await readAlert(operator, unharmed.id)).toMatchObject({ status: 'SCHEDULED' });
  expect((await operator.at(world.urls[1] as string).get(REMOVE, { id })).removeAlertChannel).toEqual(removed);
  expect(await operator.fail(SCHEDULE, { input: { channelId: id, text: 'a' } })).toBe('NOT_FOUND');
  expect(await operator.fail(TEST, { id })).toBe('NOT_FOUND');
  await makeDue(world.pool, planned.id);
  await schedule(operator, other);
  await world.pool.query('update alert set due_at = clock_timestamp() where id = $1', [unharmed.id]);
  await becomes(operator, unharmed.id, { status: 'SENT' });
  expect(receiver.at('/removed')).toHaveLength(1);
});

it('an alert that was scheduled while its channel was being removed is not sent', async () => {
  const id = await makeChannel(operator, receiver.url('/race'));
  const { id: alert } = await schedule(operator, id, { sendAt: later() });
  await world.pool.query('update alert_channel set removed_at = clock_timestamp() where id = $1', [id]);
  expect(await dueIn(world.pool, alert)).toBeGreaterThan(0);
  await makeDue(world.pool, alert);
  await becomes(operator, alert, { status: 'FAILED', attempts: 0, lastError: 'CHANNEL_REMOVED' });
  expect(receiver.at('/race')).toEqual([]);
});

it('an unknown channel is NOT_FOUND, what is no id BAD_USER_INPUT, and a buyer is FORBIDDEN', async () => {
  const buyer = await world.buyer();
  expect(await buyer.fail(CHANNELS)).toBe('FORBIDDEN');
  for (const mutation of [REMOVE, TEST]) {
    expect(await operator.fail(mutation, { id: NOBODY })).toBe('NOT_FOUND');
    expect(await operator.fail(mutation, { id: 'x' })).toBe('BAD_USER_INPUT');
    expect(await buyer.fail(mutation, { id: NOBODY })).toBe('FORBIDDEN');
  }
});
