import { readFileSync } from 'node:fs';
import { buildSchema } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeQueue, makeShow } from '../support/builders.ts';
import { Buyer, post } from '../support/client.ts';
import { Socket } from '../support/socket.ts';
import { signToken, World } from '../support/world.ts';

const ID = '00000000-0000-7000-8000-000000000000';

let world: World;
beforeAll(async () => {
  world = await World.open();
});
afterAll(() => world.close());

/** Every operator's query and mutation, well formed. */
const OPERATORS: Record<string, string> = {
  audit: '{ audit { ok } }',
  queues: '{ queues { edges { node { id } } } }',
  sales: '{ sales { totals { count } edges { node { id } } } }',
  salesHistory: `{ salesHistory(showId: "${ID}") { at } }`,
  exportSales: 'mutation { exportSales(input: {}) { url } }',
  users: '{ users { edges { node { id } } } }',
  user: `{ user(id: "${ID}") { id } }`,
  queue: `{ queue(id: "${ID}") { id } }`,
  createQueue: 'mutation { createQueue(input: { name: "a queue", capacity: 1 }) { id } }',
  updateQueue: `mutation { updateQueue(input: { id: "${ID}", capacity: 1 }) { id } }`,
  setRole: `mutation { setRole(input: { userId: "${ID}", role: OPERATOR }) { __typename } }`,
  createConcert: 'mutation { createConcert(input: { title: "a concert" }) { id } }',
  updateConcert: `mutation { updateConcert(input: { id: "${ID}", title: "a concert" }) { __typename } }`,
  withdrawConcert: `mutation { withdrawConcert(input: { id: "${ID}" }) { __typename } }`,
  createShow: `mutation { createShow(input: { concertId: "${ID}", venue: "a hall", startsAt: "2030-01-02T00:00:00Z",
    salesOpenAt: "2030-01-01T00:00:00Z", salesCloseAt: "2030-01-02T00:00:00Z", price: 1 }) { id } }`,
  updateShow: `mutation { updateShow(input: { id: "${ID}", venue: "a hall" }) { __typename } }`,
  cancelShow: `mutation { cancelShow(input: { showId: "${ID}", reason: "a reason" }) { id } }`,
  moveSeats: `mutation { moveSeats(input: { reservationId: "${ID}", moves: [{ from: "${ID}", to: "${ID}" }],
    idempotencyKey: "k" }) { __typename } }`,
  queueHistory: `{ queueHistory(queueId: "${ID}") { at } }`,
  issuePriorityCodes: `mutation { issuePriorityCodes(input: { queueId: "${ID}", priority: 1, count: 1 }) }`,
  revokeToken: `mutation { revokeToken(queueId: "${ID}", userId: "${ID}") { value } }`,
  createProduct: 'mutation { createProduct(input: { name: "a thing", category: "things", price: 1 }) { id } }',
  restock: `mutation { restock(input: { productId: "${ID}", quantity: 1, idempotencyKey: "k" }) { __typename } }`,
  createCoupon: `mutation { createCoupon(input: { name: "a coupon", discountKind: FIXED, value: 1, quantity: 1,
    startsAt: "2030-01-01T00:00:00Z", endsAt: "2030-01-02T00:00:00Z" }) { id } }`,
  checkIn: `mutation { checkIn(input: { code: "x", showId: "${ID}", idempotencyKey: "k" }) { __typename } }`,
  chargeWallet: `mutation { chargeWallet(input: { userId: "${ID}", amount: 1, idempotencyKey: "k" }) { __typename } }`,
  adjustWallet: `mutation { adjustWallet(input: { userId: "${ID}", amount: 1, reason: "a reason", idempotencyKey: "k" }) {
    __typename } }`,
  operatorLog: '{ operatorLog { edges { cursor } } }',
  updateProduct: `mutation { updateProduct(input: { id: "${ID}", price: 1 }) { __typename } }`,
  withdrawProduct: `mutation { withdrawProduct(input: { id: "${ID}" }) { id } }`,
  updateCoupon: `mutation { updateCoupon(input: { id: "${ID}", quantity: 1 }) { __typename } }`,
  closeCoupon: `mutation { closeCoupon(input: { id: "${ID}" }) { id } }`,
  cacheStats: '{ cacheStats { __typename } }',
  alerts: '{ alerts { edges { node { id text } } } }',
  registerAlertChannel: `mutation { registerAlertChannel(input: { name: "a channel", kind: SLACK,
    url: "https://hooks.example.com/a" }) { id } }`,
  alertChannels: '{ alertChannels { id } }',
  removeAlertChannel: `mutation { removeAlertChannel(id: "${ID}") { id } }`,
  testAlertChannel: `mutation { testAlertChannel(id: "${ID}") { id } }`,
  webhooks: '{ webhooks { id } }',
  deadLetters: '{ deadLetters { edges { cursor } } }',
  registerWebhook: `mutation { registerWebhook(input: { url: "https://hooks.example.com/a",
    events: ["payment.completed.v1"] }) { secret } }`,
  rotateWebhookSecret: `mutation { rotateWebhookSecret(id: "${ID}") { secret } }`,
  removeWebhook: `mutation { removeWebhook(id: "${ID}") { id } }`,
  replayDeadLetters: `mutation { replayDeadLetters(webhookId: "${ID}") }`,
  scheduleAlert: `mutation { scheduleAlert(input: { channelId: "${ID}", text: "a text" }) { id } }`,
};

/** Every other query and mutation that needs a user. */
const SIGNED_IN: Record<string, string> = {
  wallet: '{ wallet { balance } }',
  queueToken: '{ queueToken(value: "x") { value } }',
  queueTokenIfChanged: '{ queueTokenIfChanged(value: "x", version: "y") { value } }',
  queueTokens: '{ queueTokens { value } }',
  reservation: `{ reservation(id: "${ID}") { id } }`,
  reservations: '{ reservations { edges { cursor } } }',
  payments: '{ payments { edges { cursor } } }',
  signOut: 'mutation { signOut }',
  changePassword: `mutation { changePassword(input: { oldPassword: "correct horse", newPassword: "wrong horse" }) {
    __typename } }`,
  exportMyData: '{ exportMyData }',
  deleteMyAccount: 'mutation { deleteMyAccount { __typename } }',
  signOutEverywhere: 'mutation { signOutEverywhere }',
  enterQueue: `mutation { enterQueue(input: { queueId: "${ID}" }) { __typename } }`,
  leaveQueue: 'mutation { leaveQueue(token: "x") { value } }',
  reserve: `mutation { reserve(input: { showId: "${ID}", seatIds: ["${ID}"] }) { __typename } }`,
  reserveBest: `mutation { reserveBest(input: { showId: "${ID}", count: 1 }) { __typename } }`,
  releaseReservation: `mutation { releaseReservation(id: "${ID}") { __typename } }`,
  charge: 'mutation { charge(input: { amount: 1, idempotencyKey: "k" }) { __typename } }',
  'Query.charge': `{ charge(id: "${ID}") { id } }`,
  cancelCharge: `mutation { cancelCharge(input: { entryId: "${ID}", idempotencyKey: "k" }) { __typename } }`,
  cancelPayment: `mutation { cancelPayment(input: { paymentId: "${ID}", idempotencyKey: "k" }) { __typename } }`,
  refundPayment: `mutation { refundPayment(input: { paymentId: "${ID}", seatIds: ["${ID}"], idempotencyKey: "k" }) {
    __typename } }`,
  order: `{ order(id: "${ID}") { id } }`,
  orders: '{ orders { edges { cursor } } }',
  myCoupons: '{ myCoupons { id } }',
  placeOrder: `mutation { placeOrder(input: { lines: [{ productId: "${ID}", quantity: 1 }], idempotencyKey: "k" }) {
    __typename } }`,
  cancelOrder: `mutation { cancelOrder(id: "${ID}") { __typename } }`,
  claimCoupon: `mutation { claimCoupon(couponId: "${ID}") { __typename } }`,
  pay: `mutation { pay(input: { reservationId: "${ID}", idempotencyKey: "k" }) { __typename } }`,
};
const OPEN = [
  ...[
    'signUp',
    'signIn',
    'renewSession',
    'me',
    'settings',
    'concerts',
    'concert',
    'concertBySlug',
    'availableDates',
    'availableSeats',
    'seatMap',
    'seatStates',
  ],
  ...['show', 'coupons'],
  ...['products', 'product', 'bestSellers', 'coupon', 'queueShuffle', 'queueBoard'],
];
const SUBSCRIPTIONS = [
  'Subscription.queueBoard',
  'queuePosition',
  'queueStats',
  'seatChanges',
  'salesEvents',
  'showRefunds',
  'showStats',
];

async function rows(): Promise<unknown> {
  const counts = [
    ...['user_account', 'queue', 'concert', 'show', 'reservation', 'entry', 'payment', 'idempotency_key'],
    ...[
      'pending_charge',
      'priority_code',
      'product',
      'shop_order',
      'coupon',
      'issued_coupon',
      'alert_channel',
      'alert',
      'webhook',
    ],
  ];
  const text = counts.map((table) => `(select count(*) from ${table}) as ${table}`).join(', ');
  return (await world.pool.query(`select ${text}`)).rows[0];
}

it('no root field of the schema is left out of what is judged here', () => {
  const schema = buildSchema(readFileSync(new URL('../../schema/schema.graphql', import.meta.url), 'utf8'));
  const fields = [schema.getMutationType(), schema.getQueryType(), schema.getSubscriptionType()]
    .flatMap((root) => Object.keys(root?.getFields() ?? {}).map((name) => [root?.name, name] as const))
    // A query that has the name of a mutation is listed with its root.
    .map(([root, name], index, all) => (all.findIndex((one) => one[1] === name) < index ? `${root}.${name}` : name))
    .sort();
  expect(fields).toEqual([...Object.keys(OPERATORS), ...Object.keys(SIGNED_IN), ...OPEN, ...SUBSCRIPTIONS].sort());
});

describe('without a user', () => {
  it.each(Object.entries({ ...OPERATORS, ...SIGNED_IN }))(
    '%s is UNAUTHENTICATED and changes nothing',
    async (_n, query) => {
      const before = await rows();
      const { data, errors } = await post(world.urls[0] as string, query);
      expect(data === null || Object.values(data).every((field) => field === null)).toBe(true);
      expect(errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }]);
      expect(await rows()).toEqual(before);
    },
  );

  it('a WebSocket tells UNAUTHENTICATED for each subscription that needs one, and stays open', async () => {
    const { id } = await makeShow(await world.operator(), {}, await makeQueue(await world.operator(), { capacity: 1 }));
    const socket = await Socket.ready(world.urls[0] as string);
    socket.subscribe('position', 'subscription { queuePosition(token: "x") { status } }');
    socket.subscribe('stats', `subscription { queueStats(queueId: "${ID}") { waiting } }`);
    socket.subscribe('seats', `subscription { seatChanges(showId: "${id}") { resync } }`);
    socket.subscribe('show', `subscription { showStats(showId: "${id}") { sold } }`);
    socket.subscribe('sales', 'subscription { salesEvents { missed } }');
    for (const name of ['position', 'stats', 'seats', 'show', 'sales']) {
      const { payload } = await socket.until((message) => message.id === name && message.type === 'next');
      expect(payload).toMatchObject({ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] });
      expect(payload.data ?? null).toBeNull();
    }
    expect(socket.isOpen).toBe(true);
    await socket.close();
  });
});

describe('a buyer', () => {
  it.each(Object.entries(OPERATORS))('asking for %s is told FORBIDDEN and changes nothing', async (_name, query) => {
    const buyer = await world.buyer();
    const before = await rows();
    expect(await buyer.fail(query)).toBe('FORBIDDEN');
    expect(await rows()).toEqual(before);
  });

  it('asking for the counts of a queue, nested in a public concert or as a subscription, is told FORBIDDEN', async () => {
    const queueId = await makeQueue(await world.operator(), { capacity: 1 });
    const { concertId } = await makeShow(await world.operator(), {}, queueId);
    const buyer = await world.buyer();
    const { data, errors } = await buyer.ask(`{ concert(id: "${concertId}") { queue { id stats { waiting } } } }`);
    expect(data).toEqual({ concert: { queue: { id: queueId, stats: null } } });
    expect(errors).toMatchObject([{ path: ['concert', 'queue', 'stats'], extensions: { code: 'FORBIDDEN' } }]);
    const feed = buyer.watch(`subscription { queueStats(queueId: "${queueId}") { waiting } }`);
    const told = await feed.until(() => true);
    expect(told.errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
    await feed.close();
  });
});

describe('an operator whose row lost the role', () => {
  it('is FORBIDDEN at every process, though the token says OPERATOR', async () => {
    const { id } = await world.buyer();
    const accessToken = await signToken(id, 'OPERATOR');
    await world.pool.query(`update user_account set role = 'OPERATOR' where id = $1`, [id]);
    for (const url of world.urls) {
      const operator = new Buyer(id, accessToken, url);
      expect((await operator.get(OPERATORS.queue as string)).queue).toBeNull();
    }
    await world.pool.query(`update user_account set role = 'BUYER' where id = $1`, [id]);
    const before = await rows();
    for (const url of world.urls) {
      const fallen = new Buyer(id, accessToken, url);
      for (const query of Object.values(OPERATORS)) expect(await fallen.fail(query)).toBe('FORBIDDEN');
    }
    expect(await rows()).toEqual(before);
  });

  it('needs a queue token like everybody else', async () => {
    const queueId = await makeQueue(await world.operator(), { capacity: 1 });
    const { id: showId } = await makeShow(await world.operator(), {}, queueId);
    const { id } = await world.buyer();
    const fallen = new Buyer(id, await signToken(id, 'OPERATOR'), world.urls[0] as string);
    expect(await fallen.fail(`{ seatMap(showId: "${showId}") { id } }`)).toBe('QUEUE_TOKEN_REQUIRED');
  });
});
