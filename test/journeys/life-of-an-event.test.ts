import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  admit,
  balanceOf,
  cancelShow,
  charge,
  eventually,
  moveSeats,
  pay,
  refundPayment,
  reserve,
  violationsOf,
} from '../support/builders.ts';
import { Buyer, type Data } from '../support/client.ts';
import { World } from '../support/world.ts';

const HOUR = 3_600_000;
/** Payments of the show that is cancelled, and buyers who are still buying then. */
const PAYMENTS = 400;
const LATE = 40;
/** Requests at once. */
const AT_ONCE = 64;

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open({ env: { SEATS_PER_USER: '4', RATE_LIMITS: '' } });
  operator = await world.operator();
});
afterAll(() => world.close());

const mutate = async (name: string, answer: string, input: object, asking = operator): Promise<Data> => {
  const type = `${name[0]?.toUpperCase()}${name.slice(1)}Input!`;
  return (await asking.get(`mutation ($input: ${type}) { ${name}(input: $input) { ${answer} } }`, { input }))[name];
};

/** Does `work` for each item, so many at once. */
async function inTurns<T, R>(items: readonly T[], work: (item: T, index: number) => Promise<R>): Promise<R[]> {
  const answers: R[] = [];
  for (let from = 0; from < items.length; from += AT_ONCE) {
    const some = items.slice(from, from + AT_ONCE);
    answers.push(...(await Promise.all(some.map((item, index) => work(item, from + index)))));
  }
  return answers;
}

async function addShow(concertId: string, sections: object[], days: number): Promise<{ id: string; seats: Data[] }> {
  const now = Date.now();
  const input = {
    ...{ concertId, venue: 'the old hall', price: 1_000, sections },
    startsAt: new Date(now + days * 24 * HOUR),
    salesOpenAt: new Date(now - HOUR),
    salesCloseAt: new Date(now + 24 * HOUR),
  };
  const { id } = await mutate('createShow', 'id', input);
  const query = 'query ($id: ID!) { seatMap(showId: $id, first: 5000) { id number section price } }';
  return { id, seats: (await operator.get(query, { id })).seatMap };
}

it('an event lives from its draft to its last refund by GraphQL alone, and every won is where it belongs', async () => {
  // A draft, with a wrong price that is mended before anybody buys.
  const { id: queueId } = await mutate('createQueue', 'id', {
    name: 'the rush',
    capacity: 10_000,
    activeSeconds: 3_600,
  });
  await mutate('updateQueue', 'state', { id: queueId, state: 'PAUSED' });
  const concert = { title: '한여름 밤의 꿈', artist: 'Kim', imageUrl: '/pictures/dream.svg', queueId };
  const { id: concertId, slug } = await mutate('createConcert', 'id slug', concert);
  expect(slug).toBe('한여름-밤의-꿈');
  const first = await addShow(concertId, [{ name: 'Floor', seatCount: 12, price: 100 }], 2);
  const prices = [{ section: 'Floor', price: 1_000 }];
  const addSections = [{ name: 'Balcony', seatCount: 8, price: 700 }];
  const mended = await mutate('updateShow', '... on Show { seatCount }', { id: first.id, prices, addSections });
  expect(mended.seatCount).toBe(20);
  const seats: Data[] = (
    await operator.get('query ($id: ID!) { seatMap(showId: $id) { id number price row column } }', { id: first.id })
  ).seatMap;
  expect(seats.map(({ price }) => price)).toEqual([...Array(12).fill(1_000), ...Array(8).fill(700)]);

  // The sale opens, and a crowd buys.
  await mutate('updateQueue', 'state', { id: queueId, state: 'OPEN' });
  const name = `Lee Hana ${Date.now()}`;
  const signUp =
    'mutation ($input: CredentialsInput!) { signUp(input: $input) { ... on Session { accessToken user { id } } } }';
  const { signUp: session } = await operator.get(signUp, { input: { name, password: 'correct horse' } });
  const hana = await admit(new Buyer(session.user.id, session.accessToken, world.urls[0] as string), queueId);
  await charge(hana, 10_000);
  const mine = await reserve(hana, first.id, [seats[0]?.id, seats[1]?.id, seats[12]?.id]);
  const payment = await pay(hana, mine.id);
  expect(payment).toMatchObject({ status: 'COMPLETED', amount: 2_700 });
  const others = await Promise.all((await world.buyers(4, 5_000)).map((buyer) => admit(buyer, queueId)));
  await Promise.all(
    others.map(async (buyer, index) => pay(buyer, (await reserve(buyer, first.id, [seats[3 + index]?.id])).id)),
  );

  // Another hall; a seat is moved, another one is given back.
  const venue = await mutate('updateShow', '... on Show { venue }', { id: first.id, venue: 'the new hall' });
  expect(venue).toEqual({ venue: 'the new hall' });
  const TICKETS = 'query ($id: ID!) { reservation(id: $id) { tickets { code seat { id } } } }';
  const codes = async (): Promise<Map<string, string>> => {
    const { reservation } = await hana.get(TICKETS, { id: mine.id });
    return new Map(reservation.tickets.map(({ code, seat }: Data) => [seat.id, code]));
  };
  const before = await codes();
  expect(await moveSeats(operator, mine.id, { [seats[0]?.id]: seats[10]?.id })).toMatchObject({ status: 'CONFIRMED' });
  const part = { seatIds: [seats[12]?.id], reason: 'a pillar' };
  expect(await refundPayment(operator, payment.id, part)).toMatchObject({ status: 'COMPLETED', refunded: 700 });
  expect(await balanceOf(hana)).toBe(8_000);

  // The door: codes of seats that were moved or given back are void.
  const tickets = await codes();
  expect([...tickets.keys()].sort()).toEqual([seats[1]?.id, seats[10]?.id].sort());
  const scan = (code: string | undefined, idempotencyKey: string): Promise<Data> =>
    mutate('checkIn', '__typename ... on Problem { code }', { code, showId: first.id, idempotencyKey });
  expect(await scan(tickets.get(seats[10]?.id), 'a')).toEqual({ __typename: 'CheckedIn' });
  expect(await scan(tickets.get(seats[10]?.id), 'b')).toMatchObject({ code: 'ALREADY_CHECKED_IN' });
  expect(await scan(before.get(seats[0]?.id), 'c')).toMatchObject({ code: 'TICKET_INVALID' });
  expect(await scan(before.get(seats[12]?.id), 'd')).toMatchObject({ code: 'TICKET_INVALID' });
  const cancel = 'mutation ($input: CancelPaymentInput!) { cancelPayment(input: $input) { ... on Problem { code } } }';
  const input = { paymentId: payment.id, idempotencyKey: 'e' };
  expect((await hana.get(cancel, { input })).cancelPayment, 'checked in').toEqual({ code: 'NOT_CANCELLABLE' });

  // The buyer is found by name, and the sales are exported.
  const FIND = `query ($name: String!) { users(search: $name) { edges { node { id payments { edges { node { id refunded } } } } } } }`;
  const { users } = await operator.get(FIND, { name: name.slice(0, -3) });
  expect(users.edges.map(({ node }: Data) => node)).toEqual([
    { id: hana.id, payments: { edges: [{ node: { id: payment.id, refunded: 700 } }] } },
  ]);
  const { url } = await mutate('exportSales', 'url', { filter: { showId: first.id } });
  const csv = await (await fetch(new URL(url, operator.url))).text();
  expect(csv.trimEnd().split('\r\n')).toHaveLength(1 + 5);
  expect(csv).toContain(name);

  // A second show, behind no queue, sells; it is cancelled while people pay and a process is killed.
  const tour = await mutate('createConcert', 'id', { title: '한여름 밤의 꿈', artist: 'Kim' });
  const sections = [{ name: 'Floor', seatCount: PAYMENTS + LATE, price: 1_000 }];
  const second = await addShow(tour.id, sections, 3);
  const seatAt = (index: number): string => second.seats[index]?.id;
  const buyers = await world.buyers(PAYMENTS / 4 + LATE, 4_000);
  const [payers, late] = [buyers.slice(0, PAYMENTS / 4), buyers.slice(PAYMENTS / 4)];
  await inTurns(
    Array.from({ length: PAYMENTS }, (_, index) => index),
    async (index) => {
      const buyer = payers[index % payers.length] as Buyer;
      expect((await pay(buyer, (await reserve(buyer, second.id, [seatAt(index)])).id)).status).toBe('COMPLETED');
    },
  );
  const doomed = await world.startProcess();
  const lateHolds = await inTurns(late, (buyer, index) => reserve(buyer, second.id, [seatAt(PAYMENTS + index)]));
  const racing = late.map((buyer, index) => pay(buyer.at(world.urls[index % 2] as string), lateHolds[index]?.id));
  const cancelled = await cancelShow(operator, second.id, 'a storm');
  const refundsNow = async (): Promise<Data> =>
    (await operator.get('query ($id: ID!) { show(id: $id) { refunds { total done failed } } }', { id: second.id })).show
      .refunds;
  await eventually(async () => (await refundsNow()).done > 0);
  doomed.child.kill('SIGKILL');
  const outcomes = await Promise.all(racing);
  for (const { status, code } of outcomes) expect(status ?? code).toMatch(/^(COMPLETED|SHOW_CANCELLED)$/);
  const paid = outcomes.filter(({ status }) => status === 'COMPLETED').length;
  expect(cancelled.refunds.total).toBe(PAYMENTS + paid);
  // What the killed process had leased is due at the end of the lease.
  await eventually(async () => {
    await world.pool.query(
      `update show_refund set due_at = now() where done_at is null and due_at < now() + interval '29 seconds'`,
    );
    const { total, done, failed } = await refundsNow();
    return done === total && failed === 0;
  }, 60_000);
  const { rows } = await world.pool.query<{ users: number; balance: number }>(
    'select count(*)::int as users, sum(balance)::int as balance from wallet where user_id = any($1)',
    [buyers.map(({ id }) => id)],
  );
  expect(rows, 'every won is back').toEqual([{ users: buyers.length, balance: 4_000 * buyers.length }]);
  const reserved = await (buyers[0] as Buyer).get('{ reservations { edges { node { status cancelReason } } } }');
  expect(reserved.reservations.edges[0].node).toEqual({ status: 'CANCELLED', cancelReason: 'a storm' });

  // What the first show sold stands, the log tells who did what, and the books are right.
  expect(await balanceOf(hana)).toBe(8_000);
  const { operatorLog } = await operator.get(
    'query ($id: ID!) { operatorLog(filter: { subjectId: $id }) { edges { node { mutation operatorId } } } }',
    { id: first.id },
  );
  const mutations = operatorLog.edges.map(({ node }: Data) => node.mutation);
  expect(new Set(mutations)).toEqual(new Set(['createShow', 'updateShow', 'moveSeats', 'refundPayment', 'checkIn']));
  expect(await violationsOf(operator)).toEqual({});
});
