import { findShow } from '../concerts/find-show.ts';
import { type Context, callerOf, type Pass } from '../context.ts';
import { findPass, tokenRequired } from '../queue/require-pass.ts';
import { findReservation } from '../reservations/read-reservations.ts';

/** Whether the payer's queue token opens the payment; looked up before the transaction, used at its place in it. */
export interface Admission {
  /** The queue in front of the concert, or null. */
  readonly queueId: string | null;
  readonly pass: Pass | null;
  /** What Redis threw when it was asked for the pass. */
  readonly fault?: unknown;
}

/** The admission to pay for the reservation; one that does not exist, or is not the caller's, needs none. */
export async function findAdmission(context: Context, reservationId: string): Promise<Admission> {
  const reservation = await findReservation(context.em, reservationId);
  if (reservation?.userId !== callerOf(context).id) return { queueId: null, pass: null };
  const { queueId } = await findShow(context.platform, reservation.showId);
  if (queueId === null) return { queueId, pass: null };
  try {
    return { queueId, pass: (await findPass(context, queueId)) ?? null };
  } catch (fault) {
    return { queueId, pass: null, fault };
  }
}

/** @throws what stands against the admission: QUEUE_TOKEN_REQUIRED, or the fault of a Redis that is away */
export async function requireAdmission(context: Context, { queueId, pass, fault }: Admission): Promise<void> {
  if (fault) throw fault;
  if (queueId !== null && !pass) throw await tokenRequired(context.platform, queueId);
}
