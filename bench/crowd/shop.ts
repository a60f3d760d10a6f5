import { randomUUID } from 'node:crypto';
import {
  AvailableDatesDocument,
  ChargeDocument,
  PayDocument,
  ReservationToPayDocument,
  ReserveBestDocument,
  SeatMapDocument,
} from '../../web/gql/graphql.ts';
import type { Who } from './ask.ts';
import type { Buyer } from './buyer.ts';
import { between, isAmong, sleep } from './pace.ts';

/** Some look around and go. */
const WINDOW_SHOPPERS = 0.05;
/** The most that one charge may add. */
const MAX_CHARGE = 10_000_000;

/** Most seats of a map that one answer has. */
const MAP_SEATS = 5_000;

/**
 * Looks at dates and seats, reserves one or two, charges the wallet and pays, as slowly as a person in a hurry.
 * @returns how many seats were bought: 0 when there was nothing to buy, or no wish to
 */
export async function buySeats({ gate, ask, stop }: Buyer, who: Who): Promise<number> {
  const { availableDates } = await ask(AvailableDatesDocument, { concertId: gate.concertId }, who);
  await sleep(between(800, 2_500), stop);
  const dates = availableDates ?? [];
  const show = dates[Math.floor(Math.random() * dates.length)];
  if (!show || stop.aborted) return 0;
  await ask(SeatMapDocument, { showId: show.id, first: MAP_SEATS }, who);
  await sleep(between(800, 3_000), stop);
  if (isAmong(WINDOW_SHOPPERS) || stop.aborted) return 0;
  const input = { showId: show.id, count: isAmong(0.5) ? 2 : 1, idempotencyKey: randomUUID() };
  const { reserveBest } = await ask(ReserveBestDocument, { input }, who);
  if (reserveBest.__typename !== 'Reservation') return 0;
  const { reservation } = await ask(ReservationToPayDocument, { id: reserveBest.id }, who);
  if (!reservation) return 0;
  await sleep(between(500, 2_000), stop);
  if (stop.aborted) return 0;
  const amount = Math.min(Math.max(reservation.amount, 1), MAX_CHARGE);
  await ask(ChargeDocument, { input: { amount, idempotencyKey: randomUUID() } }, who);
  await sleep(between(500, 1_500), stop);
  const payment = { reservationId: reserveBest.id, idempotencyKey: randomUUID() };
  const { pay } = await ask(PayDocument, { input: payment }, who);
  return pay.__typename === 'Payment' && pay.status === 'COMPLETED' ? reservation.seats.length : 0;
}
