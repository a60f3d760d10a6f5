import { randomUUID } from 'node:crypto';
import { Webhook as Verifier } from 'standardwebhooks';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeChannel } from '../support/alerts.ts';
import { cancelPayment, eventually, makeShow, pay, reserve } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { faultOf, makeWebhook } from '../support/events.ts';
import { type Heard, Receiver } from '../support/receiver.ts';
import { World } from '../support/world.ts';

let receiver: Receiver;
let world: World;
let operator: Buyer;
beforeAll(async () => {
  receiver = await Receiver.open();
  world = await World.open({ env: { ...receiver.env, LOG_LEVEL: 'debug' } });
  operator = await world.operator();
});
afterAll(async () => {
  await world.close();
  await receiver.close();
});

const PAYMENTS = ['payment.completed.v1', 'payment.cancelled.v1'];

/** Buys a seat, and gives it back where wanted. @returns the payment's id */
async function buy(isCancelled = false): Promise<string> {
  const show = await makeShow(operator);
  const buyer = await world.buyer(1_000);
  const { id } = await pay(buyer, (await reserve(buyer, show.id, [show.seats[0] as string])).id);
  if (isCancelled) await cancelPayment(buyer, id);
  return id;
}

/** Waits until the path has heard so many posts, and answers them. */
async function heard(path: string, count: number): Promise<Heard[]> {
  await eventually(() => receiver.at(path).length >= count);
  return receiver.at(path);
}

function verify({ text, headers }: Heard, secret: string): Data {
  return new Verifier(secret).verify(text, headers as Record<string, string>);
}

/** Lets the wait of every backlog be over. */
const hurry = (): Promise<unknown> =>
  world.pool.query('update webhook_backlog set due_at = clock_timestamp() where claim is null');
const WEBHOOKS = '{ webhooks { id url events createdAt pending lastError deliveredAt } }';
const statusOf = async (id: string): Promise<Data> =>
  (await operator.get(WEBHOOKS)).webhooks.find((webhook: Data) => webhook.id === id);

it('events of the types asked for arrive once each, in order, signed, as their schemas say', async () => {
  const { id, secret } = await makeWebhook(operator, receiver.url('/signed'), PAYMENTS);
  const payment = await buy(true);
  const posts = await heard('/signed', 2);
  const events = posts.map((post) => verify(post, secret));
  expect(events.map(({ type, subject }) => [type, subject])).toEqual([
    ['payment.completed.v1', payment],
    ['payment.cancelled.v1', payment],
  ]);
  expect(events.map(faultOf)).toEqual([undefined, undefined]);
  expect(posts.map(({ headers }) => headers['webhook-id'])).toEqual(events.map((event) => event.id));
  expect(posts[0]?.headers['content-type']).toBe('application/cloudevents+json');
  expect(() => verify(posts[0] as Heard, `whsec_${Buffer.alloc(32).toString('base64')}`)).toThrow();
  await eventually(async () => (await statusOf(id)).pending === 0);
  expect(await statusOf(id)).toMatchObject({ lastError: null, deliveredAt: expect.any(String) });
  expect(receiver.at('/signed')).toHaveLength(2);
});

it('the id of a request is in the events that it caused, and in the log where they were posted', async () => {
  await makeWebhook(operator, receiver.url('/followed'), PAYMENTS);
  const show = await makeShow(operator);
  const buyer = await world.buyer(1_000);
  const { id } = await reserve(buyer, show.id, [show.seats[0] as string]);
  const requestId = `purchase-${id}`;
  const response = await fetch(buyer.url, {
    method: 'POST',
    headers: {
      ...{ 'content-type': 'application/json', 'x-request-id': requestId },
      authorization: `Bearer ${buyer.accessToken}`,
    },
    body: JSON.stringify({
      query: `mutation { pay(input: { reservationId: "${id}", idempotencyKey: "one" }) { __typename } }`,
    }),
  });
  expect(response.headers.get('x-request-id')).toBe(requestId);
  const [post] = await heard('/followed', 1);
  expect(post?.body).toMatchObject({ type: 'payment.completed.v1', requestid: requestId });
  const lines = (): string[] =>
    world.processes.flatMap((one) => one.log().split('\n')).filter((line) => line.includes(requestId));
  await eventually(() => lines().some((line) => line.includes('an event was posted')));
  expect(lines().some((line) => line.includes('"pay"'))).toBe(true);
});

it('a receiver that is down for the first three tries has everything in the end, in order', async () => {
  let failures = 3;
  receiver.answer('/down', (response) => {
    if (failures-- > 0) response.statusCode = 500;
    response.end();
  });
  const { id } = await makeWebhook(operator, receiver.url('/down'), PAYMENTS);
  await buy(true);
  for (let tries = 1; tries <= 3; tries++) {
    await heard('/down', tries);
    await eventually(
      async () => (await world.pool.query('select from webhook_backlog where claim is null')).rowCount !== 0,
    );
    expect((await statusOf(id)).lastError).toBe('HTTP 500');
    await hurry();
  }
  const types = (await heard('/down', 5)).map(({ body }) => body.type);
  expect(types).toEqual([...Array(4).fill('payment.completed.v1'), 'payment.cancelled.v1']);
});

it('an event that fails holds back only its own subject, and only at its webhook', async () => {
  let held: string | undefined;
  receiver.answer('/one-fails', (response) => {
    const { body } = receiver.at('/one-fails').at(-1) as Heard;
    held ??= body.subject;
    if (body.subject === held) response.statusCode = 503;
    response.end();
  });
  await makeWebhook(operator, receiver.url('/one-fails'), PAYMENTS);
  await makeWebhook(operator, receiver.url('/none-fails'), PAYMENTS);
  const show = await makeShow(operator);
  const buyer = await world.buyer(1_000);
  const reserved = await reserve(buyer, show.id, [show.seats[0] as string]);
  const first = (await pay(buyer, reserved.id)).id;
  await heard('/one-fails', 1);
  await cancelPayment(buyer, first);
  const others = [await buy(), await buy()];
  await heard('/none-fails', 4);
  await eventually(() => others.every((id) => receiver.at('/one-fails').some(({ body }) => body.subject === id)));
  const ofStuck = receiver.at('/one-fails').filter(({ body }) => body.subject === first);
  expect(ofStuck.map(({ body }) => body.type)).not.toContain('payment.cancelled.v1');
  expect(receiver.at('/none-fails').filter(({ body }) => body.subject === first)).toHaveLength(2);
});

it('a receiver that hangs, resets, redirects or answers without end is in nobody’s way', async () => {
  receiver.answer('/hangs', () => undefined);
  receiver.answer('/resets', (response) => response.socket?.destroy());
  receiver.answer('/redirects', (response) => response.writeHead(302, { location: receiver.url('/elsewhere') }).end());
  receiver.answer('/endless', (response) => {
    response.writeHead(200);
    const timer = setInterval(() => response.write('x'.repeat(100_000)), 1);
    response.on('close', () => clearInterval(timer));
  });
  const paths = ['/hangs', '/resets', '/redirects', '/endless', '/well'];
  const ids: string[] = [];
  for (const path of paths) ids.push((await makeWebhook(operator, receiver.url(path), PAYMENTS)).id);
  const payment = await buy();
  expect((await heard('/well', 1)).map(({ body }) => body.subject)).toEqual([payment]);
  for (const path of paths) await heard(path, 1);
  await eventually(async () => (await statusOf(ids[0] as string)).lastError === 'TIMEOUT');
  expect((await statusOf(ids[1] as string)).lastError).toMatch(/ECONNRESET|NOT_SENT/);
  expect((await statusOf(ids[2] as string)).lastError).toBe('HTTP 302');
  expect(await statusOf(ids[3] as string)).toMatchObject({ lastError: null, pending: 0 });
  expect(receiver.at('/elsewhere')).toEqual([]);
  for (const id of ids) await operator.get('mutation ($id: ID!) { removeWebhook(id: $id) { id } }', { id });
});

it('after a rotation the old secret verifies too, until its 24 hours are over', async () => {
  const { id, secret } = await makeWebhook(operator, receiver.url('/rotated'), PAYMENTS);
  const rotate = 'mutation ($id: ID!) { rotateWebhookSecret(id: $id) { secret webhook { id } } }';
  const { rotateWebhookSecret } = await operator.get(rotate, { id });
  expect(rotateWebhookSecret.secret).not.toBe(secret);
  await buy();
  const [post] = await heard('/rotated', 1);
  for (const known of [secret, rotateWebhookSecret.secret]) verify(post as Heard, known);
  await world.pool.query(
    `update webhook set old_secrets = jsonb_set(old_secrets, '{0,until}', '"2026-01-01T00:00:00Z"') where id = $1`,
    [id],
  );
  await buy();
  const [, later] = await heard('/rotated', 2);
  verify(later as Heard, rotateWebhookSecret.secret);
  expect(() => verify(later as Heard, secret)).toThrow();
});

it('after a day of tries an event is a dead letter, what is behind it goes on, and a replay delivers it', async () => {
  let isDown = true;
  receiver.answer('/dead', (response) => {
    const { body } = receiver.at('/dead').at(-1) as Heard;
    if (isDown && body.type === 'payment.completed.v1') response.statusCode = 500;
    response.end();
  });
  const { id } = await makeWebhook(operator, receiver.url('/dead'), PAYMENTS);
  await makeChannel(operator, receiver.url('/alerts'));
  const payment = await buy(true);
  await heard('/dead', 1);
  await eventually(async () => (await statusOf(id)).lastError === 'HTTP 500');
  await world.pool.query(
    `update webhook_delivery set waiting_since = waiting_since - interval '1 day' where webhook_id = $1`,
    [id],
  );
  await eventually(async () => {
    await hurry();
    return receiver.at('/dead').some(({ body }) => body.type === 'payment.cancelled.v1');
  });
  const letters =
    '{ deadLetters { edges { node { attempts lastError diedAt webhook { id } event { __typename type ... on PaymentEvent { paymentId } } } } } }';
  const { deadLetters } = await operator.get(letters);
  expect(deadLetters.edges.map(({ node }: Data) => node)).toEqual([
    {
      ...{ attempts: 2, lastError: 'HTTP 500', diedAt: expect.any(String), webhook: { id } },
      event: { __typename: 'PaymentEvent', type: 'payment.completed.v1', paymentId: payment },
    },
  ]);
  const [alert] = await heard('/alerts', 1);
  expect(alert?.body.text).toContain(`Webhook ${id} has not taken events for a day (HTTP 500)`);
  isDown = false;
  const replay = 'mutation ($id: ID) { replayDeadLetters(webhookId: $id) }';
  expect(await operator.get(replay, { id })).toEqual({ replayDeadLetters: 1 });
  expect(await operator.get(replay, { id })).toEqual({ replayDeadLetters: 0 });
  await heard('/dead', 4);
  expect((await operator.get(letters)).deadLetters.edges).toEqual([]);
  await eventually(async () => (await statusOf(id)).pending === 0);
  expect(receiver.at('/alerts')).toHaveLength(1);
});

it('a removed webhook hears nothing more, and what waited for it is dropped', async () => {
  receiver.answer('/removed', (response) => {
    response.statusCode = 500;
    response.end();
  });
  const { id } = await makeWebhook(operator, receiver.url('/removed'), PAYMENTS);
  await buy();
  await heard('/removed', 1);
  const remove = 'mutation ($id: ID!) { removeWebhook(id: $id) { id pending } }';
  expect(await operator.get(remove, { id })).toEqual({ removeWebhook: { id, pending: 0 } });
  expect(await operator.get(remove, { id })).toEqual({ removeWebhook: { id, pending: 0 } });
  await makeWebhook(operator, receiver.url('/after'), PAYMENTS);
  await hurry();
  await buy();
  await heard('/after', 1);
  expect(receiver.at('/removed').length).toBeLessThanOrEqual(2);
  expect(await statusOf(id)).toBeUndefined();
});

it.each([
  ['https://127.0.0.1/x', 'inside'],
  ['https://10.0.0.1/x', 'inside'],
  ['https://[::1]/x', 'inside'],
  ['http://example.com/x', 'no https'],
  ['no url', 'no URL'],
  ['https://user:secret@example.com/', 'a password'],
  ['', 'nothing'],
])('the URL %s is refused (%s), and nothing is kept', async (url) => {
  const before = (await operator.get(WEBHOOKS)).webhooks.length;
  const refused = makeWebhook(operator, url, PAYMENTS);
  await expect(refused).rejects.toThrow('BAD_USER_INPUT');
  expect((await operator.get(WEBHOOKS)).webhooks).toHaveLength(before);
});

it.each([[[]], [['payment.made.v1']], [['payment.completed']], [['constructor']], [['']]])(
  'the types %j are refused, and nothing is kept',
  async (events) => {
    const before = (await operator.get(WEBHOOKS)).webhooks.length;
    await expect(makeWebhook(operator, receiver.url('/x'), events)).rejects.toThrow('BAD_USER_INPUT');
    expect((await operator.get(WEBHOOKS)).webhooks).toHaveLength(before);
  },
);

it('an unknown webhook is NOT_FOUND for every verb; a buyer is FORBIDDEN all of them', async () => {
  const id = randomUUID();
  const buyer = await world.buyer();
  for (const verb of [
    'removeWebhook(id: $id) { id }',
    'rotateWebhookSecret(id: $id) { secret }',
    'replayDeadLetters(webhookId: $id)',
  ]) {
    const query = `mutation ($id: ID!) { ${verb} }`;
    await expect(operator.get(query, { id })).rejects.toThrow('NOT_FOUND');
    await expect(buyer.get(query, { id })).rejects.toThrow('FORBIDDEN');
  }
  await expect(buyer.get(WEBHOOKS)).rejects.toThrow('FORBIDDEN');
  await expect(buyer.get('{ deadLetters { edges { cursor } } }')).rejects.toThrow('FORBIDDEN');
});
