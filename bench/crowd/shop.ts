import { randomUUID } from 'node:crypto';
import type { Who } from './ask.ts';
import type { Buyer } from './buyer.ts';
import { documentOf } from './documents.ts';
import { between, isAmong, sleep } from './pace.ts';

const DATES = documentOf('AvailableDates');
const SEATS = documentOf('SeatMap');
const RESERVE = documentOf('ReserveBest');
const TO_PAY = documentOf('ReservationToPay');
const CHARGE = documentOf('Charge');
const PAY = documentOf('Pay');

/** Some look around and go. */
const WINDOW_SHOPPERS = 0.05;
/** The most that one charge may add. */
const MAX_CHARGE = 10_000_000;

/** Most seats of a map that one answer has. */
const MAP_SEATS = 5_000;

interface Show {
  readonly id: string;
}

interface ToPay {
  readonly reservation: { readonly amount: number; readonly seats: readonly object[] } | null;
}

/**
 * Looks at dates and seats, reserves one or two, charges the wallet and pays, as slowly as a person in a hurry.
 * @returns how many seats were bought: 0 when there was nothing to buy, or no wish to
 */
export async function buySeats({ gate, ask, stop }: Buyer, who: Who): Promise<number> {
  const { availableDates } = await ask<{ availableDates: Show[] }>(DATES, { concertId: gate.concertId }, who);
  await sleep(between(800, 2_500), stop);
  const show = availableDates[Math.floor(Math.random() * availableDates.length)];
  if (!show || stop.aborted) return 0;
  await ask(SEATS, { showId: show.id, first: MAP_SEATS }, who);
  await sleep(between(800, 3_000), stop);
  if (isAmong(WINDOW_SHOPPERS) || stop.aborted) return 0;
  const input = { showId: show.id, count: isAmong(0.5) ? 2 : 1, idempotencyKey: randomUUID() };
  const { reserveBest } = await ask<{ reserveBest: { id?: string } }>(RESERVE, { input }, who);
  if (!reserveBest.id) return 0;
  const { reservation } = await ask<ToPay>(TO_PAY, { id: reserveBest.id }, who);
  if (!reservation) return 0;
  await sleep(between(500, 2_000), stop);
  if (stop.aborted) return 0;
  const amount = Math.min(Math.max(reservation.amount, 1), MAX_CHARGE);
  await ask(CHARGE, { input: { amount, idempotencyKey: randomUUID() } }, who);
  await sleep(between(500, 1_500), stop);
  const payment = { reservationId: reserveBest.id, idempotencyKey: randomUUID() };
  const { pay } = await ask<{ pay: { status?: string } }>(PAY, { input: payment }, who);
  return pay.status === 'COMPLETED' ? reservation.seats.length : 0;
}
