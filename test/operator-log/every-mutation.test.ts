import { randomUUID } from 'node:crypto';
import { buildSchema } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeChannel } from '../support/alerts.ts';
import {
  CANCEL_PAYMENT,
  cancelPayment,
  charge,
  enter,
  makeConcert,
  makeQueue,
  makeShow,
  pay,
  reserve,
} from '../support/builders.ts';
import { Buyer, type Data } from '../support/client.ts';
import { makeWebhook } from '../support/events.ts';
import { type LogRow, logOf } from '../support/operator-log.ts';
import { makeCoupon, makeProduct } from '../support/shop.ts';
import { read } from '../support/sources.ts';
import { makeGuest, ticketsOf } from '../support/tickets.ts';
import { signToken, World } from '../support/world.ts';

let world: World;
/** One of two: the rows say which. */
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  const { id } = await world.buyer();
  await world.pool.query(`update user_account set role = 'OPERATOR' where id = $1`, [id]);
  operator = new Buyer(id, await signToken(id, 'OPERATOR'), world.urls[0] as string);
});
afterAll(() => world.close());

const UNKNOWN = '00000000-0000-7000-8000-000000000000';
const SOON = '2030-01-01T00:00:00Z';
const LATER = '2030-01-02T00:00:00Z';

/** One mutation of operators: how it is asked, once done and once refused. */
interface Case {
  readonly query: string;
  /** Makes what it needs. @returns its variables, an id by which its row is found, and what the row tells */
  readonly done: () => Promise<{ variables: object; subject?: string; after?: Data[]; before?: Data[] }>;
  /** Variables with which it is an error or a refusal. */
  readonly refused: object;
}

const withInput = (name: string, answer: string): string => {
  const type = `${name[0]?.toUpperCase()}${name.slice(1)}Input!`;
  return `mutation ($input: ${type}) { ${name}(input: $input) ${answer} }`;
};
const withId = (name: string, answer: string): string => `mutation ($id: ID!) { ${name}(id: $id) ${answer} }`;

/** Sells the first seats of a new show, each for 1,000. */
async function sold(count = 1): Promise<{ buyer: Buyer; payment: Data; reservation: Data; seats: string[] }> {
  const show = await makeShow(operator);
  const buyer = await world.buyer(count * 1_000);
  const seats = show.seats.slice(0, count);
  const reservation = await reserve(buyer, show.id, seats);
  return { buyer, reservation, seats, payment: await pay(buyer, reservation.id) };
}

const CASES: Record<string, Case> = {
  createQueue: {
    query: withInput('createQueue', '{ id }'),
    done: async () => ({
      variables: { input: { name: 'a queue', capacity: 3, opensAt: SOON } },
      after: [
        { type: 'Queue', name: 'a queue', state: 'SCHEDULED', capacity: 3 },
        { type: 'QueueShuffle', drawn: null },
      ],
    }),
    refused: { input: { name: 'a queue', capacity: -1 } },
  },
  updateQueue: {
    query: withInput('updateQueue', '{ id }'),
    done: async () => {
      const id = await makeQueue(operator, { capacity: 1 });
      return {
        variables: { input: { id, capacity: 2, state: 'PAUSED' } },
        subject: id,
        before: [{ type: 'Queue', id, state: 'OPEN', capacity: 1 }],
        after: [{ type: 'Queue', id, state: 'PAUSED', capacity: 2 }],
      };
    },
    refused: { input: { id: UNKNOWN, capacity: 2 } },
  },
  issuePriorityCodes: {
    query: withInput('issuePriorityCodes', ''),
    done: async () => {
      const queueId = await makeQueue(operator, { capacity: 1 });
      const after = [{ type: 'PriorityCode', queueId, priority: 3, count: 5 }];
      return { variables: { input: { queueId, priority: 3, count: 5 } }, subject: queueId, after };
    },
    refused: { input: { queueId: UNKNOWN, priority: 1, count: 1 } },
  },
  revokeToken: {
    query: 'mutation ($queueId: ID!, $userId: ID!) { revokeToken(queueId: $queueId, userId: $userId) { value } }',
    done: async () => {
      const [queueId, buyer] = [await makeQueue(operator, { capacity: 0 }), await world.buyer()];
      await enter(buyer, queueId);
      return {
        variables: { queueId, userId: buyer.id },
        subject: buyer.id,
        before: [{ type: 'QueueToken', queueId, userId: buyer.id, status: 'WAITING' }],
        after: [{ type: 'QueueToken', queueId, userId: buyer.id, status: 'EXPIRED', endReason: 'REVOKED' }],
      };
    },
    refused: { queueId: UNKNOWN, userId: UNKNOWN },
  },
  setRole: {
    query: withInput('setRole', '{ __typename }'),
    done: async () => {
      const { id } = await world.buyer();
      return {
        variables: { input: { userId: id, role: 'OPERATOR' } },
        subject: id,
        before: [{ type: 'User', id, role: 'BUYER' }],
        after: [{ type: 'User', id, role: 'OPERATOR' }],
      };
    },
    refused: { input: { userId: UNKNOWN, role: 'OPERATOR' } },
  },
  createConcert: {
    query: withInput('createConcert', '{ id }'),
    done: async () => {
      const queueId = await makeQueue(operator, { capacity: 1 });
      const after = [{ type: 'Concert', title: 'a concert', queueId }];
      return { variables: { input: { title: 'a concert', queueId } }, subject: queueId, after };
    },
    refused: { input: { title: '' } },
  },
  updateConcert: {
    query: withInput('updateConcert', '{ __typename }'),
    done: async () => {
      const id = await makeConcert(operator);
      return {
        variables: { input: { id, title: 'another', artist: 'Kim' } },
        subject: id,
        before: [{ type: 'Concert', id, title: 'a concert' }],
        after: [{ type: 'Concert', id, title: 'another' }],
      };
    },
    refused: { input: { id: UNKNOWN, title: 'another' } },
  },
  withdrawConcert: {
    query: withInput('withdrawConcert', '{ __typename }'),
    done: async () => {
      const id = await makeConcert(operator);
      const after = [{ type: 'Concert', id, withdrawnAt: expect.any(String) }];
      return { variables: { input: { id } }, subject: id, before: [{ type: 'Concert', id, withdrawnAt: null }], after };
    },
    refused: { input: { id: UNKNOWN } },
  },
  cancelShow: {
    query: withInput('cancelShow', '{ id }'),
    done: async () => {
      const { id } = await makeShow(operator);
      return {
        variables: { input: { showId: id, reason: 'Kim is ill' } },
        subject: id,
        before: [{ type: 'Show', id, cancelledAt: null }],
        after: [{ type: 'Show', id, cancelledAt: expect.any(String) }],
      };
    },
    refused: { input: { showId: UNKNOWN, reason: 'a reason' } },
  },
  moveSeats: {
    query: withInput('moveSeats', '{ ... on Reservation { id } ... on Problem { code } }'),
    done: async () => {
      const { reservation, seats } = await sold();
      const { rows } = await world.pool.query<{ id: string }>(
        `select s.id from seat s join reservation r on r.show_id = s.show_id
         where r.id = $1 and s.number = 9`,
        [reservation.id],
      );
      const moves = [{ from: seats[0], to: rows[0]?.id }];
      const input = { reservationId: reservation.id, moves, idempotencyKey: randomUUID() };
      const changed = [{ type: 'Reservation', id: reservation.id }, { type: 'Seat' }, { type: 'Seat' }];
      return { variables: { input }, subject: reservation.id, before: changed, after: changed };
    },
    refused: {
      input: { reservationId: UNKNOWN, moves: [{ from: UNKNOWN, to: UNKNOWN.replace('8', '9') }], idempotencyKey: 'k' },
    },
  },
  createShow: {
    query: withInput('createShow', '{ id }'),
    done: async () => {
      const concertId = await makeConcert(operator);
      const show = { venue: 'a hall', price: 7, seatCount: 30 };
      const times = { startsAt: LATER, salesOpenAt: SOON, salesCloseAt: LATER };
      return {
        variables: { input: { concertId, ...show, ...times } },
        subject: concertId,
        after: [{ type: 'Show', concertId, ...show }],
      };
    },
    refused: {
      input: {
        ...{ concertId: UNKNOWN, venue: 'a hall', price: 7 },
        ...{ startsAt: LATER, salesOpenAt: SOON, salesCloseAt: LATER },
      },
    },
  },
  checkIn: {
    query: withInput('checkIn', '{ ... on CheckedIn { at } ... on Problem { code } }'),
    done: async () => {
      const guest = await makeGuest(world);
      const { buyer, showId, reservationId } = guest;
      const [{ code }] = (await ticketsOf(guest)) as [Data];
      const ticket = { type: 'Ticket', showId, reservationId, userId: buyer.id };
      return {
        variables: { input: { code, showId, idempotencyKey: randomUUID() } },
        subject: reservationId,
        before: [{ ...ticket, checkedInAt: null }],
        after: [{ ...ticket, checkedInAt: expect.any(String) }],
      };
    },
    refused: { input: { code: 'forged', showId: UNKNOWN, idempotencyKey: 'k' } },
  },
  updateShow: {
    query: withInput('updateShow', '{ __typename }'),
    done: async () => {
      const { id } = await makeShow(operator, { seatCount: 3, price: 5 });
      const addSections = [{ name: 'more', seatCount: 2, price: 1 }];
      const section = { type: 'Section', showId: id, name: '', seats: 3 };
      return {
        variables: { input: { id, venue: 'elsewhere', prices: [{ section: '', price: 7 }], addSections } },
        subject: id,
        before: [
          { ...section, price: 5 },
          { type: 'Show', id, venue: 'a hall', price: 5, seatCount: 3 },
        ],
        after: [
          { ...section, price: 7 },
          { type: 'Show', id, venue: 'elsewhere', price: 7, seatCount: 5 },
        ],
      };
    },
    refused: { input: { id: UNKNOWN, venue: 'elsewhere' } },
  },
  createProduct: {
    query: withInput('createProduct', '{ id }'),
    done: async () => {
      const product = { name: 'a thing', category: 'things', price: 5, stock: 9 };
      return { variables: { input: product }, after: [{ type: 'Product', ...product }] };
    },
    refused: { input: { name: '', category: 'things', price: 5 } },
  },
  restock: {
    query: withInput('restock', '{ __typename }'),
    done: async () => {
      const id = await makeProduct(operator, { stock: 4 });
      return {
        variables: { input: { productId: id, quantity: 3, idempotencyKey: randomUUID() } },
        subject: id,
        before: [{ type: 'Product', id, stock: 4 }],
        after: [{ type: 'Product', id, stock: 7 }],
      };
    },
    refused: { input: { productId: UNKNOWN, quantity: 3, idempotencyKey: 'k' } },
  },
  createCoupon: {
    query: withInput('createCoupon', '{ id }'),
    done: async () => {
      const coupon = { name: 'a coupon', discountKind: 'PERCENT', value: 10, quantity: 5 };
      return {
        variables: { input: { ...coupon, startsAt: SOON, endsAt: LATER } },
        after: [{ type: 'Coupon', ...coupon, issued: 0 }],
      };
    },
    refused: {
      input: { name: 'a coupon', discountKind: 'PERCENT', value: 101, quantity: 5, startsAt: SOON, endsAt: LATER },
    },
  },
  updateCoupon: {
    query: withInput('updateCoupon', '{ __typename }'),
    done: async () => {
      const id = await makeCoupon(operator, { quantity: 5 });
      return {
        variables: { input: { id, quantity: 6, endsAt: LATER } },
        subject: id,
        before: [{ type: 'Coupon', id, quantity: 5 }],
        after: [{ type: 'Coupon', id, quantity: 6, endsAt: '2030-01-02T00:00:00.000Z' }],
      };
    },
    refused: { input: { id: UNKNOWN, quantity: 6 } },
  },
  closeCoupon: {
    query: withInput('closeCoupon', '{ id }'),
    done: async () => {
      const id = await makeCoupon(operator);
      const after = [{ type: 'Coupon', id, closedAt: expect.any(String) }];
      return { variables: { input: { id } }, subject: id, before: [{ type: 'Coupon', id, closedAt: null }], after };
    },
    refused: { input: { id: UNKNOWN } },
  },
  updateProduct: {
    query: withInput('updateProduct', '{ __typename }'),
    done: async () => {
      const id = await makeProduct(operator, { stock: null });
      return {
        variables: { input: { id, name: 'another', price: 7 } },
        subject: id,
        before: [{ type: 'Product', id, name: 'a thing', price: 1_000 }],
        after: [{ type: 'Product', id, name: 'another', price: 7 }],
      };
    },
    refused: { input: { id: UNKNOWN, price: 7 } },
  },
  withdrawProduct: {
    query: withInput('withdrawProduct', '{ id }'),
    done: async () => {
      const id = await makeProduct(operator);
      const after = [{ type: 'Product', id, withdrawnAt: expect.any(String) }];
      return { variables: { input: { id } }, subject: id, before: [{ type: 'Product', id, withdrawnAt: null }], after };
    },
    refused: { input: { id: UNKNOWN } },
  },
  chargeWallet: {
    query: withInput('chargeWallet', '{ ... on Problem { code } }'),
    done: async () => {
      const { id } = await world.buyer(300);
      return {
        variables: { input: { userId: id, amount: 200, idempotencyKey: randomUUID() } },
        subject: id,
        before: [{ type: 'Wallet', userId: id, balance: 300 }],
        after: [
          { type: 'LedgerEntry', walletId: id, kind: 'CHARGE', amount: 200 },
          { type: 'Wallet', userId: id, balance: 500 },
        ],
      };
    },
    refused: { input: { userId: UNKNOWN, amount: 200, idempotencyKey: 'k' } },
  },
  adjustWallet: {
    query: withInput('adjustWallet', '{ ... on Problem { code } }'),
    done: async () => {
      const { id } = await world.buyer(300);
      return {
        variables: { input: { userId: id, amount: -200, reason: 'Kim paid twice', idempotencyKey: randomUUID() } },
        subject: id,
        before: [{ type: 'Wallet', userId: id, balance: 300 }],
        after: [
          { type: 'LedgerEntry', walletId: id, kind: 'ADJUSTMENT', amount: -200 },
          { type: 'Wallet', userId: id, balance: 100 },
        ],
      };
    },
    refused: { input: { userId: UNKNOWN, amount: -200, reason: 'a reason', idempotencyKey: 'k' } },
  },
  registerAlertChannel: {
    query: withInput('registerAlertChannel', '{ id }'),
    done: async () => ({
      variables: { input: { name: 'Kim of operations', kind: 'SLACK', url: 'https://hooks.example.com/secret' } },
      after: [{ type: 'AlertChannel', kind: 'SLACK', removedAt: null }],
    }),
    refused: { input: { name: 'a channel', kind: 'SLACK', url: 'no url' } },
  },
  removeAlertChannel: {
    query: withId('removeAlertChannel', '{ id }'),
    done: async () => {
      const id = await makeChannel(operator, 'https://hooks.example.com/secret');
      return {
        variables: { id },
        subject: id,
        before: [{ type: 'AlertChannel', id, removedAt: null }],
        after: [{ type: 'AlertChannel', id, removedAt: expect.any(String) }],
      };
    },
    refused: { id: UNKNOWN },
  },
  scheduleAlert: {
    query: withInput('scheduleAlert', '{ id }'),
    done: async () => {
      const channelId = await makeChannel(operator, 'https://hooks.example.com/secret');
      return {
        variables: { input: { channelId, text: 'call Kim', sendAt: SOON } },
        subject: channelId,
        after: [{ type: 'Alert', channelId, status: 'SCHEDULED', sendAt: '2030-01-01T00:00:00.000Z' }],
      };
    },
    refused: { input: { channelId: UNKNOWN, text: 'a text' } },
  },
  testAlertChannel: {
    query: withId('testAlertChannel', '{ id }'),
    done: async () => {
      const id = await makeChannel(operator, 'https://hooks.example.com/secret');
      return { variables: { id }, subject: id, after: [{ type: 'Alert', channelId: id }] };
    },
    refused: { id: UNKNOWN },
  },
  exportSales: {
    query: withInput('exportSales', '{ url }'),
    done: async () => {
      const showId = randomUUID();
      return {
        variables: { input: { filter: { showId, from: SOON } } },
        after: [{ type: 'SalesExport', filter: { showId, from: new Date(SOON).toISOString() } }],
      };
    },
    refused: { input: { filter: { showId: 'x' } } },
  },
  registerWebhook: {
    query: withInput('registerWebhook', '{ secret }'),
    done: async () => {
      const events = ['payment.completed.v1'];
      return {
        variables: { input: { url: 'https://hooks.example.com/secret', events } },
        after: [{ type: 'Webhook', events }],
      };
    },
    refused: { input: { url: 'https://hooks.example.com/secret', events: [] } },
  },
  rotateWebhookSecret: {
    query: withId('rotateWebhookSecret', '{ secret }'),
    done: async () => {
      const { id } = await makeWebhook(operator, 'https://hooks.example.com/secret', ['payment.completed.v1']);
      return {
        ...{ variables: { id }, subject: id },
        ...{ before: [{ type: 'Webhook', id }], after: [{ type: 'Webhook', id }] },
      };
    },
    refused: { id: UNKNOWN },
  },
  removeWebhook: {
    query: withId('removeWebhook', '{ id }'),
    done: async () => {
      const { id } = await makeWebhook(operator, 'https://hooks.example.com/secret', ['payment.completed.v1']);
      return {
        variables: { id },
        subject: id,
        before: [{ type: 'Webhook', id, removedAt: null }],
        after: [{ type: 'Webhook', id, removedAt: expect.any(String) }],
      };
    },
    refused: { id: UNKNOWN },
  },
  replayDeadLetters: {
    query: 'mutation ($id: ID) { replayDeadLetters(webhookId: $id) }',
    done: async () => {
      const { id } = await makeWebhook(operator, 'https://hooks.example.com/secret', ['payment.completed.v1']);
      return { variables: { id }, subject: id, after: [{ type: 'DeadLetters', webhookId: id, count: 0 }] };
    },
    refused: { id: UNKNOWN },
  },
};

/** Mutations of buyers that operators may use on what is others'. */
const BY_ROLE: Record<string, Case> = {
  cancelPayment: {
    query: CANCEL_PAYMENT,
    done: async () => {
      const { buyer, payment, reservation, seats } = await sold();
      const [seat] = seats as [string];
      const ticket = { type: 'Ticket', reservationId: reservation.id, userId: buyer.id };
      return {
        variables: { input: { paymentId: payment.id, idempotencyKey: randomUUID() } },
        subject: buyer.id,
        before: [
          { type: 'Reservation', id: reservation.id, status: 'CONFIRMED' },
          { type: 'Seat', id: seat, ticket },
          { type: 'Payment', id: payment.id, status: 'COMPLETED' },
          { type: 'Wallet', userId: buyer.id, balance: 0 },
        ],
        after: [
          { type: 'Reservation', id: reservation.id, status: 'CANCELLED' },
          { type: 'Seat', id: seat, ticket: null },
          { type: 'Payment', id: payment.id, status: 'CANCELLED' },
          { type: 'Wallet', userId: buyer.id, balance: 1_000 },
          { type: 'Refund', paymentId: payment.id, amount: 1_000, seatIds: [seat] },
          { type: 'LedgerEntry', kind: 'REFUND', amount: 1_000, paymentId: payment.id },
        ],
      };
    },
    refused: { input: { paymentId: UNKNOWN, idempotencyKey: 'k' } },
  },
  refundPayment: {
    query: withInput('refundPayment', '{ ... on Payment { id } ... on Problem { code } }'),
    done: async () => {
      const { buyer, payment, seats, reservation } = await sold(2);
      const [seat] = seats as [string];
      const input = { paymentId: payment.id, seatIds: [seat], reason: 'Kim was ill', idempotencyKey: randomUUID() };
      const ticket = { type: 'Ticket', reservationId: reservation.id, userId: buyer.id };
      return {
        variables: { input },
        subject: payment.id,
        before: [
          { type: 'Reservation', id: reservation.id, seatIds: seats },
          { type: 'Seat', id: seat, ticket },
          { type: 'Payment', id: payment.id, refunded: 0 },
          { type: 'Wallet', userId: buyer.id, balance: 0 },
        ],
        after: [
          { type: 'Reservation', id: reservation.id, seatIds: seats.slice(1) },
          { type: 'Seat', id: seat, ticket: null },
          { type: 'Payment', id: payment.id, refunded: 1_000 },
          { type: 'Wallet', userId: buyer.id, balance: 1_000 },
          { type: 'Refund', paymentId: payment.id, amount: 1_000, seatIds: [seat] },
          { type: 'LedgerEntry', kind: 'REFUND', amount: 1_000, paymentId: payment.id },
        ],
      };
    },
    refused: { input: { paymentId: UNKNOWN, seatIds: [UNKNOWN], idempotencyKey: 'k' } },
  },
};

it('every mutation of operators in the schema has a case here', () => {
  const fields = Object.values(buildSchema(read('schema/schema.graphql')).getMutationType()?.getFields() ?? {});
  const isOperators = ({ astNode }: (typeof fields)[number]) =>
    astNode?.directives?.some(({ name }) => name.value === 'operator');
  expect(Object.keys(CASES).sort()).toEqual(fields.filter(isOperators).map(({ name }) => name));
});

describe.each(Object.entries({ ...CASES, ...BY_ROLE }))('%s', (mutation, { query, done, refused }) => {
  it('writes one row with who, what and when; refused, none', async () => {
    const { variables, subject, before = [], after = [] } = await done();
    const known = await logOf(world);
    const { errors } = await operator.ask(query, variables);
    expect(errors).toBeUndefined();
    const [row, ...more] = (await logOf(world)).slice(known.length) as [LogRow, ...LogRow[]];
    expect(more).toEqual([]);
    expect(row).toMatchObject({ operatorId: operator.id, mutation, requestId: expect.any(String) });
    if (subject) expect(row.subjectIds).toContain(subject);
    expect(sorted(row.before)).toMatchObject(sorted(before));
    expect(sorted(row.after)).toMatchObject(sorted(after));

    await operator.ask(query, refused);
    expect(await logOf(world)).toHaveLength(known.length + 1);
  });
});

it('no row has a name of a person, an address, a text of an alert, a secret or a code', async () => {
  const { rows: people } = await world.pool.query<{ name: string }>(
    `select name from user_account where name <> 'operator'`,
  );
  const { rows: webhooks } = await world.pool.query<{ secret: string }>('select secret from webhook');
  const { rows: codes } = await world.pool.query<{ hash: string }>(
    `select encode(hash, 'hex') hash from priority_code`,
  );
  const { rows: seeds } = await world.pool.query<{ seed: string }>(
    `select encode(seed, 'hex') seed from queue_shuffle`,
  );
  const told = JSON.stringify(await logOf(world));
  const secrets = [
    ...[...people.map(({ name }) => name), ...webhooks.map(({ secret }) => secret)],
    ...[...codes.map(({ hash }) => hash), ...seeds.map(({ seed }) => seed)],
    ...['hooks.example.com', 'Kim', 'whsec_'],
  ];
  expect(secrets.length).toBeGreaterThan(10);
  expect(secrets.filter((secret) => told.includes(secret))).toEqual([]);
});

it('a key that is sent again writes no second row', async () => {
  const id = await makeProduct(operator, { stock: 4 });
  const known = await logOf(world);
  const input = { productId: id, quantity: 3, idempotencyKey: randomUUID() };
  for (const url of [...world.urls, ...world.urls]) {
    await operator.at(url).get(withInput('restock', '{ __typename }'), { input });
  }
  expect((await logOf(world)).slice(known.length)).toMatchObject([{ mutation: 'restock' }]);
});

it('what a buyer does writes no row, also in the batch of an operator, whose row tells the own change alone', async () => {
  for (let round = 0; round < 5; round++) {
    const { buyer, payment } = await sold();
    const known = await logOf(world);
    const charges = Array.from({ length: 6 }, () => charge(buyer, 10));
    await Promise.all([...charges.slice(0, 3), cancelPayment(operator, payment.id), ...charges.slice(3)]);
    const { rows } = await world.pool.query<{ before: string; after: string }>(
      `select balance_before as before, balance_after as after from entry where payment_id = $1 and kind = 'REFUND'`,
      [payment.id],
    );
    const [row, ...more] = (await logOf(world)).slice(known.length) as [LogRow, ...LogRow[]];
    expect(more).toEqual([]);
    const balanceIn = (things: Data[]): number => things.find(({ type }) => type === 'Wallet').balance;
    expect([balanceIn(row.before), balanceIn(row.after)]).toEqual([Number(rows[0]?.before), Number(rows[0]?.after)]);
  }
});

it('a buyer who cancels an own payment is no operator: there is no row', async () => {
  const { buyer, payment } = await sold();
  const known = await logOf(world);
  expect((await cancelPayment(buyer, payment.id)).status).toBe('CANCELLED');
  expect(await logOf(world)).toHaveLength(known.length);
});

function sorted(things: Data[]): Data[] {
  return [...things].sort((a, b) => (a.type < b.type ? -1 : 1));
}
