import { type Context, callerOf } from '../api/context.ts';
import { idOf } from '../api/input.ts';
import { notFound, type Refusal, refuse } from '../api/problems.ts';
import { publishSeats } from '../concerts/seat-change.ts';
import { lockReservations } from '../legacy/lock-order.ts';
import { transact } from '../platform/transact.ts';
import { freeSeats } from './free-seats.ts';
import { findReservation } from './read-reservations.ts';
import type { Reservation } from './reservation.ts';

/**
 * Gives the seats back. One that was released or has lapsed is answered as it is.
 * @returns the Reservation; NOT_CANCELLABLE when it was paid for
 * @throws CallerError NOT_FOUND for an unknown or another user's reservation
 */
export async function releaseReservation(context: Context, idText: string): Promise<Reservation | Refusal> {
  const id = idOf('id', idText);
  const caller = callerOf(context);
  const { answer, seats } = await transact(context.em, async (em) => {
    await lockReservations(em, [id]);
    const reservation = await findReservation(em, id);
    if (reservation?.userId !== caller.id) throw notFound('reservation');
    if (reservation.status === 'CONFIRMED' || reservation.status === 'CANCELLED') {
      return { answer: refuse('NOT_CANCELLABLE'), seats: [] };
    }
    if (reservation.status !== 'HELD') return { answer: reservation, seats: [] };
    const freed = await freeSeats(em, [id], 'RELEASED');
    return { answer: Object.assign(reservation, { status: 'RELEASED' }), seats: freed };
  });
  publishSeats(context.platform, seats);
  return answer;
}
