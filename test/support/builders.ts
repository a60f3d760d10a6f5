import { randomUUID } from 'node:crypto';
import type { Buyer, Data } from './client.ts';

const HOUR = 3_600_000;

export const RESERVATION = `__typename
  ... on Reservation { id status amount createdAt expiresAt seats { id number label status revision } show { id } payment { id } }
  ... on SeatsUnavailable { seatIds } ... on SaleClosed { salesOpenAt salesCloseAt } ... on Problem { code message }`;
const PAID = `... on Payment { id amount status failure cancelledAt payable {
  ... on Reservation { id status } ... on Order { id orderStatus: status } } }`;
export const PAYMENT = `__typename ${PAID}
  ... on InsufficientBalance { balance required } ... on AlreadyPaid { payment { id } } ... on Problem { code message }`;
export const TOKEN =
  'value queueId userId status position etaSeconds waiting percentBehind pollAfterMs enteredAt activatedAt activeUntil endReason';

export interface QueueInput {
  name?: string;
  capacity: number;
  admitPerMinute?: number | null;
  entriesPerMinute?: number;
  activeSeconds?: number;
  maxWaiting?: number;
  reenter?: boolean;
  awaySeconds?: number;
  board?: boolean;
  opensAt?: Date;
}

/** @returns the queue's id */
export async function makeQueue(operator: Buyer, input: QueueInput): Promise<string> {
  const query = 'mutation ($input: CreateQueueInput!) { createQueue(input: $input) { id } }';
  return (await operator.get(query, { input: { name: 'a queue', ...input } })).createQueue.id;
}

/** @returns the concert's id */
export async function makeConcert(operator: Buyer, queueId?: string): Promise<string> {
  const query = 'mutation ($input: CreateConcertInput!) { createConcert(input: $input) { id } }';
  return (await operator.get(query, { input: { title: 'a concert', queueId } })).createConcert.id;
}

export interface MadeShow {
  readonly id: string;
  readonly concertId: string;
  readonly queueId: string | undefined;
  /** Ids by seat number: seats[0] is number 1. */
  readonly seats: string[];
}

/** A show on sale now that starts in a day; `input` overrides. Without `concertId` it gets a concert of its own. */
export async function makeShow(
  operator: Buyer,
  input: Record<string, unknown> = {},
  queueId?: string,
): Promise<MadeShow> {
  const concertId = (input.concertId as string | undefined) ?? (await makeConcert(operator, queueId));
  const now = Date.now();
  const show = {
    concertId,
    venue: 'a hall',
    startsAt: new Date(now + 24 * HOUR),
    salesOpenAt: new Date(now - HOUR),
    salesCloseAt: new Date(now + 23 * HOUR),
    price: 1_000,
    ...input,
  };
  const query = 'mutation ($input: CreateShowInput!) { createShow(input: $input) { id } }';
  const { id } = (await operator.get(query, { input: show })).createShow;
  const seats = (await seatPages(operator, id, 'id')).map((seat) => seat.id);
  return { id, concertId, queueId, seats };
}

/** The selected fields of all seats of a show, by number, asked for in pages. */
export async function seatPages(asking: Buyer, showId: string, fields: string): Promise<Data[]> {
  const query = `query ($id: ID!, $after: Int!) { seatMap(showId: $id, afterNumber: $after, first: 5000) { ${fields} } }`;
  const seats: Data[] = [];
  for (let page: Data[] = [undefined]; page.length > 0; seats.push(...page)) {
    page = (await asking.get(query, { id: showId, after: seats.length })).seatMap;
  }
  return seats;
}

/** Answers the ReserveResult. */
export async function reserve(buyer: Buyer, showId: string, seatIds: string[]): Promise<Data> {
  const query = `mutation ($input: ReserveInput!) { reserve(input: $input) { ${RESERVATION} } }`;
  return (await buyer.get(query, { input: { showId, seatIds } })).reserve;
}

/** Answers the PayResult. */
export async function pay(buyer: Buyer, reservationId: string, idempotencyKey: string = randomUUID()): Promise<Data> {
  const query = `mutation ($input: PayInput!) { pay(input: $input) { ${PAYMENT} } }`;
  return (await buyer.get(query, { input: { reservationId, idempotencyKey } })).pay;
}

/** Answers the ChargeResult. */
export async function charge(buyer: Buyer, amount: number, idempotencyKey: string = randomUUID()): Promise<Data> {
  const query = `mutation ($input: ChargeInput!) { charge(input: $input) {
    __typename ... on LedgerEntry { id kind amount balanceBefore balanceAfter } ... on Problem { code } } }`;
  return (await buyer.get(query, { input: { amount, idempotencyKey } })).charge;
}

/** Answers the ChargeResult. */
export async function cancelCharge(
  buyer: Buyer,
  entryId: string,
  idempotencyKey: string = randomUUID(),
): Promise<Data> {
  const query = `mutation ($input: CancelChargeInput!) { cancelCharge(input: $input) {
    __typename ... on LedgerEntry { id kind amount balanceBefore balanceAfter cancels { id kind amount } }
    ... on Problem { code } } }`;
  return (await buyer.get(query, { input: { entryId, idempotencyKey } })).cancelCharge;
}

export const CANCEL_PAYMENT = `mutation ($input: CancelPaymentInput!) { cancelPayment(input: $input) {
  __typename ${PAID} ... on Problem { code message } } }`;

/** Answers the CancelPaymentResult. */
export async function cancelPayment(
  buyer: Buyer,
  paymentId: string,
  idempotencyKey: string = randomUUID(),
): Promise<Data> {
  return (await buyer.get(CANCEL_PAYMENT, { input: { paymentId, idempotencyKey } })).cancelPayment;
}

export const REFUND_PAYMENT = `mutation ($input: RefundPaymentInput!) { refundPayment(input: $input) {
  __typename ... on Payment { id amount refunded status refunds { amount reason seatIds lines { lineNo quantity amount } } }
  ... on NotRefundable { seatIds lines { lineNo requested left } } ... on Problem { code message } } }`;

/** Answers the RefundPaymentResult. @param part seatIds or lines, and a reason */
export async function refundPayment(
  buyer: Buyer,
  paymentId: string,
  part: { seatIds?: string[]; lines?: { lineNo: number; quantity: number }[]; reason?: string },
  idempotencyKey: string = randomUUID(),
): Promise<Data> {
  return (await buyer.get(REFUND_PAYMENT, { input: { paymentId, ...part, idempotencyKey } })).refundPayment;
}

export const MOVE_SEATS = `mutation ($input: MoveSeatsInput!) { moveSeats(input: $input) {
  __typename ... on Reservation { id status amount seatPrices seats { id } } ... on NotMovable { seatIds }
  ... on SeatsUnavailable { seatIds } ... on Problem { code } } }`;

/** Answers the MoveSeatsResult. @param moves the new seat of each seat that is left */
export async function moveSeats(
  operator: Buyer,
  reservationId: string,
  moves: Record<string, string>,
  idempotencyKey: string = randomUUID(),
): Promise<Data> {
  const named = Object.entries(moves).map(([from, to]) => ({ from, to }));
  return (await operator.get(MOVE_SEATS, { input: { reservationId, moves: named, idempotencyKey } })).moveSeats;
}

/** Answers the show. */
export async function cancelShow(operator: Buyer, showId: string, reason = 'the singer is ill'): Promise<Data> {
  const query = `mutation ($input: CancelShowInput!) { cancelShow(input: $input) {
    id cancelledAt cancelReason refunds { total done failed } } }`;
  return (await operator.get(query, { input: { showId, reason } })).cancelShow;
}

/** What the caller has in the wallet. */
export async function balanceOf(buyer: Buyer): Promise<number> {
  return (await buyer.get('{ wallet { balance } }')).wallet.balance;
}

/** The rules that do not hold, each with the rows that break it: none where nothing was sold twice and no money lost. */
export async function violationsOf(operator: Buyer): Promise<Record<string, string[]>> {
  const { audit } = await operator.get('{ audit { ok checks { name violations rows } } }');
  const broken = audit.checks.filter(({ violations }: Data) => violations > 0);
  if (audit.ok !== (broken.length === 0)) throw new Error(`ok is ${audit.ok} with ${broken.length} broken rules`);
  return Object.fromEntries(broken.map(({ name, rows }: Data) => [name, rows]));
}

/** Answers the EnterQueueResult. */
export async function enter(buyer: Buyer, queueId: string): Promise<Data> {
  const query = `mutation ($input: EnterQueueInput!) { enterQueue(input: $input) {
    __typename ... on QueueToken { ${TOKEN} } ... on Problem { code } } }`;
  return (await buyer.get(query, { input: { queueId } })).enterQueue;
}

/** Answers the token as it is now, or null. */
export async function readToken(buyer: Buyer, value: string): Promise<Data> {
  return (await buyer.get(`query ($value: ID!) { queueToken(value: $value) { ${TOKEN} } }`, { value })).queueToken;
}

/** Enters and waits until the token is ACTIVE. @returns the buyer with the token */
export async function admit(buyer: Buyer, queueId: string): Promise<Buyer> {
  const { value } = await enter(buyer, queueId);
  await eventually(async () => (await readToken(buyer, value)).status === 'ACTIVE');
  return buyer.withToken(value);
}

/** Waits, a few milliseconds at a time, until `holds` does. */
export async function eventually(holds: () => Promise<boolean> | boolean, withinMs = 20_000): Promise<void> {
  for (const deadline = Date.now() + withinMs; !(await holds()); ) {
    if (Date.now() > deadline) throw new Error(`did not come true within ${withinMs} ms: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
