import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { buildSchema, type GraphQLField, GraphQLObjectType, getNamedType, isCompositeType } from 'graphql';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { enter, makeQueue, makeShow, pay, refundPayment, reserve } from '../support/builders.ts';
import { type Buyer, post } from '../support/client.ts';
import { claim, makeCoupon, makeProduct, payOrder, placeOrder } from '../support/shop.ts';
import { World } from '../support/world.ts';

const SCHEMA = buildSchema(readFileSync(new URL('../../schema/schema.graphql', import.meta.url), 'utf8'));

/** What nobody, another buyer, the owner and an operator are told of a field: its value, null, or an error's code. */
type Row = readonly [nobody: string, other: string, owner: string, operator: string];

const EVERYBODY: Row = ['value', 'value', 'value', 'value'];
const USERS: Row = ['UNAUTHENTICATED', 'value', 'value', 'value'];
const OPERATORS: Row = ['UNAUTHENTICATED', 'FORBIDDEN', 'FORBIDDEN', 'value'];
/** What is asked for by its id is there for its owner alone; operators find it through the user or the sales. */
const OWNER: Row = ['UNAUTHENTICATED', 'null', 'value', 'null'];

/** Where a type is reached, `%` standing for the field, and who is told what of its fields. $ names things of the owner. */
interface Reach {
  readonly at: string;
  readonly row: Row;
}

const page = (root: string, row: Row): Reach[] => [{ at: `${root} { % }`, row }];
const edge = (root: string, row: Row): Reach[] => [{ at: `${root} { edges { % } }`, row }];
const ofUser = (list: string): string => `user(id: "$owner") { ${list} }`;

/** Every type whose fields can be read by queries. */
const TYPES: Record<string, Reach[]> = {
  Alert: [{ at: 'alerts { edges { node { % } } }', row: OPERATORS }],
  AlertChannel: [{ at: 'alertChannels { % }', row: OPERATORS }],
  AlertConnection: page('alerts', OPERATORS),
  AlertEdge: edge('alerts', OPERATORS),
  Audit: [{ at: 'audit { % }', row: OPERATORS }],
  AuditCheck: [{ at: 'audit { checks { % } }', row: OPERATORS }],
  BestSeller: [{ at: 'bestSellers { % }', row: EVERYBODY }],
  CacheStats: [{ at: 'cacheStats { % }', row: OPERATORS }],
  Concert: [{ at: 'concert(id: "$concert") { % }', row: EVERYBODY }],
  ConcertConnection: page('concerts', EVERYBODY),
  ConcertEdge: edge('concerts', EVERYBODY),
  Coupon: [{ at: 'coupon(id: "$coupon") { % }', row: EVERYBODY }],
  CouponConnection: page('coupons', EVERYBODY),
  CouponEdge: edge('coupons', EVERYBODY),
  DeadLetterConnection: page('deadLetters', OPERATORS),
  IssuedCoupon: [{ at: 'order(id: "$order") { coupon { % } }', row: OWNER }],
  LedgerEntry: [
    { at: ofUser('wallet { entries { edges { node { % } } } }'), row: OPERATORS },
    // Each sees the own ones: this operator has none.
    {
      at: 'me { wallet { entries(first: 1) { edges { node { % } } } } }',
      row: ['null', 'value', 'value', 'null'],
    },
  ],
  LedgerEntryConnection: [{ at: ofUser('wallet { entries { % } }'), row: OPERATORS }],
  LedgerEntryEdge: [{ at: ofUser('wallet { entries { edges { % } } }'), row: OPERATORS }],
  OperatorLogConnection: page('operatorLog', OPERATORS),
  OperatorLogEdge: edge('operatorLog', OPERATORS),
  OperatorLogEntry: [{ at: 'operatorLog { edges { node { % } } }', row: OPERATORS }],
  OperatorLogTotals: [{ at: 'operatorLog { totals { % } }', row: OPERATORS }],
  Order: [
    { at: 'order(id: "$order") { % }', row: OWNER },
    { at: ofUser('orders { edges { node { % } } }'), row: OPERATORS },
  ],
  OrderConnection: [{ at: ofUser('orders { % }'), row: OPERATORS }],
  OrderEdge: [{ at: ofUser('orders { edges { % } }'), row: OPERATORS }],
  OrderLine: [{ at: 'order(id: "$order") { lines { % } }', row: OWNER }],
  PageInfo: [{ at: 'concerts { pageInfo { % } }', row: EVERYBODY }],
  Payment: [
    { at: 'reservation(id: "$reservation") { payment { % } }', row: OWNER },
    { at: 'sales { edges { node { % } } }', row: OPERATORS },
  ],
  PendingCharge: [{ at: 'charge(id: "$charge") { % }', row: ['UNAUTHENTICATED', 'null', 'value', 'value'] }],
  PaymentConnection: [{ at: ofUser('payments { % }'), row: OPERATORS }],
  PaymentEdge: [{ at: ofUser('payments { edges { % } }'), row: OPERATORS }],
  Product: [{ at: 'product(id: "$product") { % }', row: EVERYBODY }],
  ProductConnection: page('products', EVERYBODY),
  ProductEdge: edge('products', EVERYBODY),
  Queue: [
    { at: 'concert(id: "$queued") { queue { % } }', row: EVERYBODY },
    { at: 'queue(id: "$queue") { % }', row: OPERATORS },
  ],
  QueueBoard: [{ at: 'queueBoard(queueId: "$queue") { % }', row: EVERYBODY }],
  QueueConnection: page('queues', OPERATORS),
  QueueEdge: edge('queues', OPERATORS),
  QueueShuffle: [{ at: 'queueShuffle(queueId: "$scheduled") { % }', row: EVERYBODY }],
  QueueStats: [{ at: 'queue(id: "$queue") { stats { % } }', row: OPERATORS }],
  QueueToken: [
    { at: 'queueToken(value: "$token") { % }', row: OWNER },
    { at: ofUser('tokens { % }'), row: OPERATORS },
    {
      at: 'queueTokenIfChanged(value: "$token", version: "none") { % }',
      row: ['UNAUTHENTICATED', 'NOT_FOUND', 'value', 'NOT_FOUND'],
    },
  ],
  Refund: [{ at: 'reservation(id: "$reservation") { payment { refunds { % } } }', row: OWNER }],
  RefundLine: [{ at: 'order(id: "$order") { payment { refunds { lines { % } } } }', row: OWNER }],
  Reservation: [
    { at: 'reservation(id: "$reservation") { % }', row: OWNER },
    { at: ofUser('reservations { edges { node { % } } }'), row: OPERATORS },
  ],
  ReservationConnection: [{ at: ofUser('reservations { % }'), row: OPERATORS }],
  ReservationEdge: [{ at: ofUser('reservations { edges { % } }'), row: OPERATORS }],
  SalesConnection: page('sales', OPERATORS),
  SalesEdge: edge('sales', OPERATORS),
  SalesHistoryPoint: [{ at: 'salesHistory(showId: "$show") { % }', row: OPERATORS }],
  SalesTotals: [{ at: 'sales { totals { % } }', row: OPERATORS }],
  Seat: [
    { at: 'seatMap(showId: "$show") { % }', row: EVERYBODY },
    {
      at: 'seatMap(showId: "$behind") { % }',
      row: ['UNAUTHENTICATED', 'QUEUE_TOKEN_REQUIRED', 'QUEUE_TOKEN_REQUIRED', 'value'],
    },
  ],
  SeatsLeft: [{ at: 'queueBoard(queueId: "$queue") { seatsLeft { % } }', row: EVERYBODY }],
  SeatStates: [{ at: 'seatStates(showId: "$show") { % }', row: EVERYBODY }],
  Settings: [{ at: 'settings { % }', row: EVERYBODY }],
  Show: [{ at: 'show(id: "$show") { % }', row: EVERYBODY }],
  ShowRefunds: [{ at: 'show(id: "$cancelled") { refunds { % } }', row: OPERATORS }],
  Ticket: [
    { at: 'reservation(id: "$reservation") { tickets { % } }', row: OWNER },
    { at: ofUser('reservations { edges { node { tickets { % } } } }'), row: OPERATORS },
  ],
  User: [
    { at: 'user(id: "$owner") { % }', row: OPERATORS },
    { at: 'me { % }', row: ['null', 'value', 'value', 'value'] },
  ],
  UserConnection: page('users', OPERATORS),
  UserEdge: edge('users', OPERATORS),
  Wallet: [
    { at: 'wallet { % }', row: USERS },
    { at: ofUser('wallet { % }'), row: OPERATORS },
  ],
};

/** Fields that others are told less of than of the rest of their type. */
const FIELDS: Record<string, Row> = {
  'Concert.withdrawnAt': ['UNAUTHENTICATED', 'FORBIDDEN', 'FORBIDDEN', 'value'],
  'Product.withdrawnAt': ['UNAUTHENTICATED', 'FORBIDDEN', 'FORBIDDEN', 'value'],
  'Show.refunds': ['UNAUTHENTICATED', 'FORBIDDEN', 'FORBIDDEN', 'value'],
  'Queue.stats': ['UNAUTHENTICATED', 'FORBIDDEN', 'FORBIDDEN', 'value'],
};

/** Types that no query answers: answers of mutations, events of subscriptions, and rows that only an outage makes. */
const NOT_READ = new Set([
  ...['Query', 'Mutation', 'Subscription', 'Session', 'CheckedIn', 'ExportLink', 'NewWebhook', 'Webhook'],
  ...['DeadLetter', 'DeadLetterEdge', 'QueueHistoryPoint', 'ShowStats', 'SeatChange', 'SalesEventBatch'],
  ...['LineShortage', 'StockShortage', 'ReachedOrderLimit'],
]);

const objects = Object.values(SCHEMA.getTypeMap()).filter(
  (type): type is GraphQLObjectType => type instanceof GraphQLObjectType && !type.name.startsWith('__'),
);
const isAnswerOrEvent = (type: GraphQLObjectType): boolean =>
  type.getInterfaces().some(({ name }) => name === 'Problem' || name === 'SalesEvent');

let world: World;
let callers: readonly [undefined, Buyer, Buyer, Buyer];
const ids: Record<string, string> = {};
beforeAll(async () => {
  world = await World.open();
  const operator = await world.operator();
  const [owner, other] = (await world.buyers(2, 10_000)) as [Buyer, Buyer];
  callers = [undefined, other, owner, operator];
  const show = await makeShow(operator);
  const reservation = await reserve(owner, show.id, show.seats.slice(0, 2));
  const payment = await pay(owner, reservation.id);
  await refundPayment(owner, payment.id, { seatIds: [show.seats[0] as string] });
  const product = await makeProduct(operator);
  const coupon = await makeCoupon(operator);
  const issued = await claim(owner, coupon);
  const order = await placeOrder(owner, { [product]: 2 }, { issuedCouponId: issued.id });
  await refundPayment(owner, (await payOrder(owner, order.id)).id, { lines: [{ lineNo: 1, quantity: 1 }] });
  const queue = await makeQueue(operator, { capacity: 0, board: true });
  const behind = await makeShow(operator, {}, queue);
  const cancelled = await makeShow(operator);
  await operator.get('mutation ($id: ID!) { cancelShow(input: { showId: $id, reason: "a storm" }) { id } }', {
    id: cancelled.id,
  });
  const opensAt = new Date(Date.now() + 3_600_000);
  const scheduled = await operator.get(
    'mutation ($at: DateTime!) { createQueue(input: { name: "later", capacity: 1, opensAt: $at }) { id } }',
    { at: opensAt },
  );
  const channel = await operator.get(
    'mutation { registerAlertChannel(input: { name: "a channel", kind: SLACK, url: "https://hooks.example.com/a" }) { id } }',
  );
  await operator.get(
    'mutation ($id: ID!) { scheduleAlert(input: { channelId: $id, text: "x", sendAt: "2099-01-01T00:00:00Z" }) { id } }',
    { id: channel.registerAlertChannel.id },
  );
  const charge = randomUUID();
  await world.pool.query(
    `insert into pending_charge (id, user_id, reference, amount, status, expires_at)
     values ($1, $2, 'chg_one', 5, 'PENDING', clock_timestamp())`,
    [charge, owner.id],
  );
  const token = (await enter(owner, queue)).value;
  Object.assign(ids, { owner: owner.id, show: show.id, concert: show.concertId, reservation: reservation.id });
  Object.assign(ids, { product, coupon, order: order.id, queue, queued: behind.concertId, behind: behind.id, token });
  Object.assign(ids, { charge, cancelled: cancelled.id, scheduled: scheduled.createQueue.id });
});
afterAll(() => world.close());

it('no type that a query can answer is left out, and no type is listed that there is not', () => {
  const readable = objects.filter((type) => !NOT_READ.has(type.name) && !isAnswerOrEvent(type));
  expect(Object.keys(TYPES).sort()).toEqual(readable.map(({ name }) => name).sort());
  const fields = objects.flatMap((type) => Object.keys(type.getFields()).map((field) => `${type.name}.${field}`));
  expect(fields).toEqual(expect.arrayContaining(Object.keys(FIELDS)));
});

/** A selection of one field, for whatever it answers. */
function selectionOf({ name, type, args }: GraphQLField<unknown, unknown>): string {
  if (args.some(({ type: given, defaultValue }) => String(given).endsWith('!') && defaultValue === undefined))
    throw new Error(`${name} needs arguments`);
  return isCompositeType(getNamedType(type)) ? `${name} { __typename }` : name;
}

/** What a caller is told: the code of the first error, else whether anything was reached that has the field. */
async function toldTo(caller: Buyer | undefined, at: string, selection: string): Promise<string> {
  const filled = at
    .replace(/\$(\w+)/g, (_all, name) => ids[name] ?? `no ${name}`)
    .replace('%', `reached: __typename ${selection}`);
  const query = `{ ${filled} }`;
  const { data, errors } = caller ? await caller.ask(query) : await post(world.urls[0] as string, query);
  if (errors) return errors[0]?.extensions.code ?? 'an error';
  return JSON.stringify(data).includes('"reached"') ? 'value' : 'null';
}

it.each(Object.entries(TYPES))(
  'each field of %s is told to whom the table says, and to nobody else',
  async (name, reaches) => {
    const type = SCHEMA.getType(name) as GraphQLObjectType;
    const wrong: string[] = [];
    for (const { at, row } of reaches) {
      for (const field of Object.values(type.getFields())) {
        const expected = row === OPERATORS ? row : (FIELDS[`${name}.${field.name}`] ?? row);
        const told = await Promise.all(callers.map((caller) => toldTo(caller, at, selectionOf(field))));
        if (told.join() !== expected.join()) wrong.push(`${at.replace('%', field.name)}: ${told}, not ${expected}`);
      }
    }
    expect(wrong).toEqual([]);
  },
);
