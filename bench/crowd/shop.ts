import { randomUUID } from 'node:crypto';
import type { Who } from './ask.ts';
import type { Buyer } from './buyer.ts';
import { between, isAmong, sleep } from './pace.ts';

const DATES = 'query ($id: ID!) { availableDates(concertId: $id) { id date availableCount } }';
const SEATS = `query ($id: ID!, $date: LocalDate!) { availableSeats(concertId: $id, date: $date, first: 50) {
  id label price } }`;
const RESERVE = `mutation ($input: ReserveBestInput!) { reserveBest(input: $input) {
  ... on Reservation { id amount seats { label } } ... on Problem { code } } }`;
const CHARGE = `mutation ($input: ChargeInput!) { charge(input: $input) {
  ... on LedgerEntry { id } ... on Problem { code } } }`;
const PAY = `mutation ($input: PayInput!) { pay(input: $input) {
  ... on Payment { status } ... on Problem { code } } }`;

/** Some look around and go. */
const WINDOW_SHOPPERS = 0.05;
/** The most that one charge may add. */
const MAX_CHARGE = 10_000_000;

interface Show {
  readonly id: string;
  readonly date: string;
}

/**
 * Looks at dates and seats, reserves one or two, charges the wallet and pays, as slowly as a person in a hurry.
 * @returns how many seats were bought: 0 when there was nothing to buy, or no wish to
 */
export async function buySeats({ gate, ask, stop }: Buyer, who: Who): Promise<number> {
  const { availableDates } = await ask<{ availableDates: Show[] }>(DATES, { id: gate.concertId }, who);
  await sleep(between(800, 2_500), stop);
  const show = availableDates[Math.floor(Math.random() * availableDates.length)];
  if (!show || stop.aborted) return 0;
  await ask(SEATS, { id: gate.concertId, date: show.date }, who);
  await sleep(between(800, 3_000), stop);
  if (isAmong(WINDOW_SHOPPERS) || stop.aborted) return 0;
  const input = { showId: show.id, count: isAmong(0.5) ? 2 : 1, idempotencyKey: randomUUID() };
  const { reserveBest } = await ask<{ reserveBest: { id?: string; amount: number; seats: object[] } }>(
    RESERVE,
    { input },
    who,
  );
  if (!reserveBest.id) return 0;
  await sleep(between(500, 2_000), stop);
  if (stop.aborted) return 0;
  const amount = Math.min(Math.max(reserveBest.amount, 1), MAX_CHARGE);
  await ask(CHARGE, { input: { amount, idempotencyKey: randomUUID() } }, who);
  await sleep(between(500, 1_500), stop);
  const payment = { reservationId: reserveBest.id, idempotencyKey: randomUUID() };
  const { pay } = await ask<{ pay: { status?: string } }>(PAY, { input: payment }, who);
  return pay.status === 'COMPLETED' ? reserveBest.seats.length : 0;
}
