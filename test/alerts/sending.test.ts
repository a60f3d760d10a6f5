import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { becomes, dueIn, forgetError, makeChannel, makeDue, readAlert, schedule } from '../support/alerts.ts';
import { eventually } from '../support/builders.ts';
import type { Buyer } from '../support/client.ts';
import { Receiver } from '../support/receiver.ts';
import { World } from '../support/world.ts';

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

it('a webhook gets id, text and time, with the id as idempotency key; Slack gets the text alone', async () => {
  const webhook = await makeChannel(operator, receiver.url('/hook?key=1'));
  const slack = await makeChannel(operator, receiver.url('/slack'), { kind: 'SLACK' });
  const text = 'Sold out: "한국어" 🎟️ \n<b>';
  const alert = await schedule(operator, webhook, { text });
  expect(alert).toMatchObject({ text, status: 'SCHEDULED', attempts: 0, lastError: null });
  await schedule(operator, slack, { text });
  await becomes(operator, alert.id, { status: 'SENT', attempts: 1, lastError: null });
  await eventually(() => receiver.at('/slack').length === 1);
  expect(receiver.at('/hook?key=1')).toMatchObject([
    { method: 'POST', headers: { 'content-type': 'application/json', 'idempotency-key': alert.id } },
  ]);
  expect(receiver.at('/hook?key=1')[0]?.body).toEqual({ id: alert.id, text, sendAt: alert.sendAt });
  expect(receiver.at('/slack')[0]?.body).toEqual({ text });
});

it('of many alerts, scheduled at two processes at once, each is sent once', async () => {
  const channel = await makeChannel(operator, receiver.url('/many'));
  const alerts = await Promise.all(
    Array.from({ length: 90 }, (_, index) => schedule(operator.at(world.urls[index % 2] as string), channel)),
  );
  await eventually(async () => {
    const { rows } = await world.pool.query(
      `select count(*)::int as sent from alert where channel_id = $1 and status = 'SENT' and attempts = 1`,
      [channel],
    );
    return rows[0].sent === 90;
  });
  const ids = receiver.at('/many').map(({ body }) => body.id);
  expect(ids.sort()).toEqual(alerts.map(({ id }) => id).sort());
});

it('an alert of the future waits for its time; one of the past is one of now', async () => {
  const channel = await makeChannel(operator, receiver.url('/time'));
  const sendAt = new Date(Date.now() + 3_600_000).toISOString();
  const later = await schedule(operator, channel, { text: 'later', sendAt });
  expect(later.sendAt).toBe(sendAt);
  const before = Date.now();
  const past = await schedule(operator, channel, { text: 'past', sendAt: '1999-12-31T23:59:59Z' });
  expect(Date.parse(past.sendAt)).toBeGreaterThanOrEqual(before - 1);
  await becomes(operator, past.id, { status: 'SENT' });
  expect(await readAlert(operator, later.id)).toMatchObject({ status: 'SCHEDULED', attempts: 0 });
  expect(receiver.at('/time').map(({ body }) => body.text)).toEqual(['past']);
  await makeDue(world.pool, later.id);
  await becomes(operator, later.id, { status: 'SENT', attempts: 1 });
  expect(receiver.at('/time').map(({ body }) => body.text)).toEqual(['past', 'later']);
});

describe('an alert that is not taken', () => {
  it('is tried five times, each after a longer wait, and then FAILED for good', async () => {
    receiver.answer('/broken', (response) => response.writeHead(500).end('secret words of the receiver'));
    const { id } = await schedule(operator, await makeChannel(operator, receiver.url('/broken')));
    for (const [index, most] of [10, 40, 160, 640].entries()) {
      await becomes(operator, id, { status: 'SCHEDULED', attempts: index + 1, lastError: 'HTTP 500' });
      const wait = await dueIn(world.pool, id);
      expect(wait).toBeLessThanOrEqual(most);
      expect(wait).toBeGreaterThan(most / 2 - 3);
      await forgetError(world.pool, id);
      await makeDue(world.pool, id);
    }
    await becomes(operator, id, { status: 'FAILED', attempts: 5, lastError: 'HTTP 500' });
    await makeDue(world.pool, id);
    const other = await schedule(operator, await makeChannel(operator, receiver.url('/after')));
    await becomes(operator, other.id, { status: 'SENT' });
    expect(receiver.at('/broken').map(({ headers }) => headers['idempotency-key'])).toEqual(Array(5).fill(id));
  });

  it('is SENT when a later attempt is taken, and keeps no error', async () => {
    receiver.answer('/wavering', (response) => response.writeHead(503).end());
    const { id } = await schedule(operator, await makeChannel(operator, receiver.url('/wavering')));
    await becomes(operator, id, { lastError: 'HTTP 503', attempts: 1 });
    receiver.answer('/wavering', (response) => response.writeHead(204).end());
    await makeDue(world.pool, id);
    await becomes(operator, id, { status: 'SENT', attempts: 2, lastError: null });
  });

  it('because of a redirect is not sent on to where that leads', async () => {
    receiver.answer('/moved', (response) => response.writeHead(307, { location: receiver.url('/elsewhere') }).end());
    const { id } = await schedule(operator, await makeChannel(operator, receiver.url('/moved')));
    await becomes(operator, id, { status: 'SCHEDULED', attempts: 1, lastError: 'HTTP 307' });
    expect(receiver.at('/elsewhere')).toEqual([]);
  });

  it('because nobody answers is a TIMEOUT', async () => {
    receiver.answer('/silent', () => undefined);
    const { id } = await schedule(operator, await makeChannel(operator, receiver.url('/silent')));
    await becomes(operator, id, { status: 'SCHEDULED', attempts: 1, lastError: 'TIMEOUT' });
    expect(receiver.at('/silent')).toHaveLength(1);
  });

  it('because nobody is there, or somebody hangs up, says so', async () => {
    receiver.answer('/rude', (response) => response.destroy());
    const { id: rude } = await schedule(operator, await makeChannel(operator, receiver.url('/rude')));
    const { id: nobody } = await schedule(operator, await makeChannel(operator, 'https://localhost:1/nobody'));
    await becomes(operator, rude, { attempts: 1, lastError: 'ECONNRESET' });
    await becomes(operator, nobody, { attempts: 1, lastError: 'ECONNREFUSED' });
  });
});

it('an endless answer is broken off, and a status is enough', async () => {
  let sent = 0;
  let isOpen = true;
  receiver.answer('/endless', (response) => {
    response.once('close', () => {
      isOpen = false;
    });
    const pour = (): void => {
      for (let goesOn = isOpen; goesOn; sent += 1_024) goesOn = response.write('x'.repeat(1_024));
    };
    response.on('drain', pour);
    pour();
  });
  const { id } = await schedule(operator, await makeChannel(operator, receiver.url('/endless')));
  await becomes(operator, id, { status: 'SENT', attempts: 1 });
  await eventually(() => !isOpen);
  expect(sent).toBeLessThan(16 * 1_048_576);
});
