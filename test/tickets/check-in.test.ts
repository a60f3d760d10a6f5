import { createHmac, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { cancelPayment, eventually, makeShow, pay, reserve, violationsOf } from '../support/builders.ts';
import { type Buyer, type Data, post } from '../support/client.ts';
import { faultOf, readStream } from '../support/events.ts';
import { linesThat } from '../support/log-lines.ts';
import { logOf } from '../support/operator-log.ts';
import type { AppProcess } from '../support/process.ts';
import { CHECK_IN, checkIn, type Guest, makeGuest, ticketsOf } from '../support/tickets.ts';
import { AUTH_SECRET, World } from '../support/world.ts';

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
});
afterAll(() => world.close());

const TICKET_INVALID = { __typename: 'Refusal', code: 'TICKET_INVALID' };
const REFUND = `mutation ($input: RefundPaymentInput!) { refundPayment(input: $input) {
  __typename ... on Payment { status refunded } ... on Problem { code } } }`;

async function refund(caller: Buyer, paymentId: string, seatIds: string[]): Promise<Data> {
  return (await caller.get(REFUND, { input: { paymentId, seatIds, idempotencyKey: randomUUID() } })).refundPayment;
}

async function codeOf(guest: Guest): Promise<string> {
  return (await ticketsOf(guest))[0].code;
}

/** How many tickets of a show have let somebody in. */
async function insideOf({ showId }: Guest): Promise<number> {
  const text = 'select from ticket where show_id = $1 and checked_in_at is not null';
  return (await world.pool.query(text, [showId])).rowCount ?? 0;
}

it('a paid reservation has a ticket for each seat, by number; one that is held, or was cancelled, has none', async () => {
  const { id: showId, seats } = await makeShow(operator);
  const buyer = await world.buyer(2_000);
  const [second, first] = [seats[1], seats[0]] as [string, string];
  const { id: reservationId } = await reserve(buyer, showId, [second, first]);
  expect(await ticketsOf({ buyer, reservationId })).toEqual([]);
  const payment = await pay(buyer, reservationId);
  const tickets = await ticketsOf({ buyer, reservationId });
  expect(tickets).toMatchObject([
    { checkedInAt: null, seat: { id: first, number: 1, status: 'SOLD' } },
    { checkedInAt: null, seat: { id: second, number: 2, status: 'SOLD' } },
  ]);
  expect(new Set(tickets.map(({ code }) => code)).size).toBe(2);
  for (const { code } of tickets) expect(code).toMatch(/^[\w-]{43}$/);
  for (const url of world.urls) {
    expect(await ticketsOf({ buyer: buyer.at(url), reservationId })).toEqual(tickets);
  }
  await cancelPayment(buyer, payment.id);
  expect(await ticketsOf({ buyer, reservationId })).toEqual([]);
});

it('codes are signed with a key of their own, made once and kept', async () => {
  const code = Buffer.from(await codeOf(await makeGuest(world)), 'base64url');
  const { rows } = await world.pool.query<{ value: string }>(`select value from setting where name = 'ticket-key'`);
  const signature = createHmac('sha256', rows[0]?.value ?? '')
    .update(code.subarray(0, 16))
    .digest();
  expect(rows).toEqual([{ value: expect.stringMatching(/^[0-9a-f]{64}$/) }]);
  expect(code.subarray(16)).toEqual(signature.subarray(0, 16));
});

it('an operator sees the tickets of a buyer; another buyer does not even see the reservation', async () => {
  const { buyer, reservationId } = await makeGuest(world);
  const query = 'query ($id: ID!) { reservation(id: $id) { tickets { code } } }';
  expect((await (await world.buyer()).get(query, { id: reservationId })).reservation).toBeNull();
  const ofUser = `query ($id: ID!) { user(id: $id) { reservations(first: 1) { edges { node { tickets { code } } } } } }`;
  const { user } = await operator.get(ofUser, { id: buyer.id });
  expect(user.reservations.edges[0].node.tickets).toEqual([{ code: await codeOf({ buyer, reservationId } as Guest) }]);
});

it('a code lets in once: the same key answers the same again, another key is told since when', async () => {
  const guest = await makeGuest(world);
  const { showId, reservationId, seats } = guest;
  const [code, key] = [await codeOf(guest), randomUUID()];
  const first = await checkIn(operator, showId, code, key);
  expect(first).toMatchObject({ __typename: 'CheckedIn', reservationId, seat: { id: seats[0], status: 'SOLD' } });
  for (const url of world.urls) expect(await checkIn(operator.at(url), showId, code, key)).toEqual(first);
  const again = { __typename: 'AlreadyCheckedIn', code: 'ALREADY_CHECKED_IN', at: first.at, seat: { id: seats[0] } };
  const secondKey = randomUUID();
  for (const url of world.urls) expect(await checkIn(operator.at(url), showId, code, secondKey)).toMatchObject(again);
  expect((await ticketsOf(guest))[0].checkedInAt).toBe(first.at);
  expect(await violationsOf(operator)).toEqual({});
});

it('a check-in is told to other systems once, and a refused one is not', async () => {
  const guest = await makeGuest(world);
  const { buyer, showId, reservationId, seats } = guest;
  const code = await codeOf(guest);
  const { at } = await checkIn(operator, showId, code);
  await checkIn(operator, showId, code);
  const other = await makeGuest(world);
  await checkIn(operator, other.showId, await codeOf(other));
  const told = async (): Promise<Data[]> =>
    (await readStream(world.redis)).filter(({ type }) => type === 'ticket.checked_in.v1');
  await eventually(async () => (await told()).some(({ data }) => data.showId === other.showId));
  const events = (await told()).filter(({ data }) => data.showId === showId);
  expect(events.map(faultOf)).toEqual([undefined]);
  expect(events[0].data).toEqual({
    ...{ ticketId: expect.any(String), reservationId, showId, seatId: seats[0], userId: buyer.id },
    checkedInAt: at,
  });
});

it('a code that is altered in any character, cut, or signed with another key is TICKET_INVALID, and lets nobody in', async () => {
  const guest = await makeGuest(world);
  const code = await codeOf(guest);
  const id = Buffer.from(code, 'base64url').subarray(0, 16);
  const forged = [AUTH_SECRET, ''].map((key) =>
    Buffer.concat([id, createHmac('sha256', key).update(id).digest().subarray(0, 16)]).toString('base64url'),
  );
  const next = (letter: string): string => (letter === 'A' ? 'B' : 'A');
  const altered = [...code].map((letter, at) => code.slice(0, at) + next(letter) + code.slice(at + 1));
  // The last letter has bits that are not read.
  const lastBits = ['A', 'B', 'C', 'D'].map((letter) => code.slice(0, -1) + letter).filter((text) => text !== code);
  const wrong = [...forged, ...altered, ...lastBits, code.slice(1), `${code}A`, `${code}=`, id.toString('hex'), '😀'];
  const known = await logOf(world);
  const answers = await Promise.all(wrong.map((text) => checkIn(operator, guest.showId, text)));
  expect(answers).toEqual(wrong.map(() => ({ ...TICKET_INVALID, message: expect.any(String) })));
  expect(await insideOf(guest)).toBe(0);
  expect(await logOf(world)).toHaveLength(known.length);
  expect(await checkIn(operator, guest.showId, code)).toMatchObject({ __typename: 'CheckedIn' });
});

it('a code that is refused, also one that is used again, is logged under the id of the request, without the code', async () => {
  const guest = await makeGuest(world);
  const [code, other] = [await codeOf(guest), await makeShow(operator)];
  await checkIn(operator, guest.showId, code);
  const refusals = [
    { showId: other.id, code, refusal: 'TICKET_INVALID', ticketId: expect.any(String) },
    { showId: guest.showId, code, refusal: 'ALREADY_CHECKED_IN', ticketId: expect.any(String) },
    { showId: guest.showId, code: `${code.slice(1)}A`, refusal: 'TICKET_INVALID', ticketId: undefined },
  ];
  for (const [index, { showId, code: scanned, refusal, ticketId }] of refusals.entries()) {
    const requestId = `door-${index}-${guest.reservationId}`;
    const headers = { authorization: `Bearer ${operator.accessToken}`, 'x-request-id': requestId };
    const input = { code: scanned, showId, idempotencyKey: randomUUID() };
    await post(operator.url, CHECK_IN, { input }, headers);
    const door = world.processes.find(({ url }) => url === operator.url) as AppProcess;
    const [line] = await linesThat(door, (one) => one.requestId === requestId && one.refusal !== undefined);
    expect(line).toMatchObject({ level: 40, showId, refusal });
    expect(line.ticketId).toEqual(ticketId);
    expect(JSON.stringify(line)).not.toContain(scanned);
  }
});

it('a ticket of another show is TICKET_INVALID; an unknown show is NOT_FOUND', async () => {
  const [guest, other] = [await makeGuest(world), await makeGuest(world)];
  const code = await codeOf(guest);
  expect(await checkIn(operator, other.showId, code)).toMatchObject(TICKET_INVALID);
  const fail = (input: object): Promise<string> => operator.fail(CHECK_IN, { input: { code, ...input } });
  expect(await fail({ showId: randomUUID(), idempotencyKey: 'k' })).toBe('NOT_FOUND');
  expect(await fail({ showId: 'x', idempotencyKey: 'k' })).toBe('BAD_USER_INPUT');
  expect(await fail({ showId: guest.showId, idempotencyKey: '' })).toBe('BAD_USER_INPUT');
  expect(await fail({ showId: guest.showId, idempotencyKey: 'k', code: '' })).toBe('BAD_USER_INPUT');
  expect([await insideOf(guest), await insideOf(other)]).toEqual([0, 0]);
});

it('a key that came with another code before is IDEMPOTENCY_CONFLICT', async () => {
  const guest = await makeGuest(world, 2);
  const [first, second] = await ticketsOf(guest);
  const key = randomUUID();
  await checkIn(operator, guest.showId, first.code, key);
  expect(await checkIn(operator, guest.showId, second.code, key)).toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' });
  expect(await insideOf(guest)).toBe(1);
});

it('the code of a seat that was given back is void, also once the seat is sold again: then its new code is good', async () => {
  const guest = await makeGuest(world);
  const { showId, seats, paymentId, buyer } = guest;
  const code = await codeOf(guest);
  await cancelPayment(buyer, paymentId);
  expect(await checkIn(operator, showId, code)).toMatchObject(TICKET_INVALID);
  const next = await world.buyer(1_000);
  const { id: reservationId } = await reserve(next, showId, seats);
  await pay(next, reservationId);
  const anew = await codeOf({ ...guest, buyer: next, reservationId });
  expect(anew).not.toBe(code);
  expect(await checkIn(operator, showId, code)).toMatchObject(TICKET_INVALID);
  expect(await insideOf(guest)).toBe(0);
  expect(await checkIn(operator, showId, anew)).toMatchObject({ __typename: 'CheckedIn', reservationId });
});

it('a cancelled show lets nobody in: SHOW_CANCELLED, but for a forged code', async () => {
  const guest = await makeGuest(world);
  const code = await codeOf(guest);
  await world.pool.query(`update show set cancelled_at = clock_timestamp(), cancel_reason = 'rain' where id = $1`, [
    guest.showId,
  ]);
  expect(await checkIn(operator, guest.showId, code)).toMatchObject({ __typename: 'Refusal', code: 'SHOW_CANCELLED' });
  expect(await checkIn(operator, guest.showId, 'forged')).toMatchObject(TICKET_INVALID);
  expect(await insideOf(guest)).toBe(0);
  // The audit of later tests would miss the refunds.
  await world.pool.query('update show set cancelled_at = null, cancel_reason = null where id = $1', [guest.showId]);
});

it('a buyer has nothing back for a seat whose ticket let somebody in, but for the others; an operator gives all back', async () => {
  const guest = await makeGuest(world, 3);
  const { buyer, showId, seats, paymentId } = guest;
  const [first, second, third] = seats as [string, string, string];
  await checkIn(operator, showId, await codeOf(guest));
  const refused = { code: 'NOT_CANCELLABLE' };
  expect(await cancelPayment(buyer, paymentId)).toMatchObject(refused);
  expect(await refund(buyer, paymentId, [first])).toMatchObject(refused);
  expect(await refund(buyer, paymentId, [second, first])).toMatchObject(refused);
  expect(await ticketsOf(guest)).toHaveLength(3);
  expect(await refund(buyer, paymentId, [second])).toMatchObject({ status: 'COMPLETED', refunded: 1_000 });
  expect(await refund(operator, paymentId, [first])).toMatchObject({ status: 'COMPLETED', refunded: 2_000 });
  expect(await ticketsOf(guest)).toMatchObject([{ seat: { id: third } }]);
  expect(await cancelPayment(operator, paymentId)).toMatchObject({ status: 'CANCELLED' });
  expect(await violationsOf(operator)).toEqual({});
});

it('a check-in and a refund at once: the seat is paid for and let in, or given back and void, never both', async () => {
  for (let round = 0; round < 8; round++) {
    const guest = await makeGuest(world);
    const { showId, paymentId, buyer } = guest;
    const code = await codeOf(guest);
    const [a, b] = world.urls as [string, string];
    const [door, back] = await Promise.all([
      checkIn(operator.at(round % 2 === 0 ? a : b), showId, code),
      cancelPayment(buyer.at(a), paymentId),
    ]);
    const isInside = door.__typename === 'CheckedIn';
    expect(back).toMatchObject(isInside ? { code: 'NOT_CANCELLABLE' } : { status: 'CANCELLED' });
    if (!isInside) expect(door).toMatchObject(TICKET_INVALID);
    expect(await insideOf(guest)).toBe(isInside ? 1 : 0);
  }
});

it('a check-in and a refund by an operator at once: the owner is let in first, or the code is void; neither fails', async () => {
  for (let round = 0; round < 8; round++) {
    const guest = await makeGuest(world);
    const code = await codeOf(guest);
    const url = world.urls[round % 2] as string;
    const [door, back] = await Promise.all([
      checkIn(operator.at(url).hasty(), guest.showId, code),
      cancelPayment(operator.hasty(), guest.paymentId),
    ]);
    expect(back).toMatchObject({ status: 'CANCELLED' });
    if (door.__typename !== 'CheckedIn') expect(door).toMatchObject(TICKET_INVALID);
    expect(await ticketsOf(guest)).toEqual([]);
    expect(await checkIn(operator, guest.showId, code)).toMatchObject(TICKET_INVALID);
  }
});

it('of two at the door who scan the same code at once, at two processes, exactly one lets in', async () => {
  for (let round = 0; round < 8; round++) {
    const guest = await makeGuest(world);
    const code = await codeOf(guest);
    const answers = await Promise.all(
      [...world.urls, ...world.urls].map((url) => checkIn(operator.at(url), guest.showId, code)),
    );
    const names = answers.map(({ __typename }) => __typename);
    expect(names.sort()).toEqual(['AlreadyCheckedIn', 'AlreadyCheckedIn', 'AlreadyCheckedIn', 'CheckedIn']);
    expect(new Set(answers.map(({ at }) => at)).size).toBe(1);
  }
});
