import type { EntityManager } from '@mikro-orm/core';
import { type Context, callerOf } from '../api/context.ts';
import { idOf } from '../api/input.ts';
import { notFound, type Refusal, refuse } from '../api/problems.ts';
import { RESERVATIONS, rowsOf, SEATS, type Wanted } from '../commands/lock-order.ts';
import { copyOf, run, type Scene, type Verb } from '../commands/runner.ts';
import { forkOf, type Platform } from '../platform/platform.ts';
import { Reservation } from './reservation.ts';

interface Release {
  readonly id: string;
  readonly userId: string;
}

/** The fields of a reservation that never change. */
interface Claims {
  readonly id: string;
  readonly seatIds: readonly string[];
}

const RELEASE: Verb<Release, Reservation | Refusal, Claims | undefined> = {
  name: 'releaseReservation',
  contends: ({ id }) => [`reservation:${id}`],

  async prepare(platform, asked) {
    const rows = await findClaims(forkOf(platform), { id: { $in: asked.map(({ id }) => id) } });
    const found = new Map(rows.map((row) => [row.id, row]));
    return asked.map(({ id, userId }) => {
      const claims = found.get(id);
      return claims?.userId === userId ? { known: claims } : { error: notFound('reservation') };
    });
  },

  locks: (_asked, claims) => locksOf(claims ? [claims] : []),

  decide({ asked: { id } }, scene) {
    const reservation = scene.get(RESERVATIONS, id);
    const status = reservation.statusAt(scene.now);
    if (status === 'CONFIRMED' || status === 'CANCELLED') return refuse('NOT_CANCELLABLE');
    if (status === 'HELD') release(reservation, scene);
    // Read before the seats were locked, the status may be older than the clock.
    return Object.assign(copyOf(reservation), { status: reservation.statusAt(scene.now) });
  },
};

/**
 * Gives the seats of the caller's reservation back. A reservation that was released or has lapsed stays as it is.
 * @returns the Reservation; a Refusal NOT_CANCELLABLE when it was paid for
 * @throws CallerError NOT_FOUND for an unknown or another user's reservation
 */
export function releaseReservation(context: Context, idText: string): Promise<Reservation | Refusal> {
  return run(context, RELEASE, { id: idOf('id', idText), userId: callerOf(context).id });
}

const RELEASE_OF_TOKEN: Verb<{ readonly tokenHash: string }, undefined, readonly Claims[]> = {
  name: 'releaseHoldsOfToken',
  contends: ({ tokenHash }) => [`token:${tokenHash}`],

  async prepare(platform, asked) {
    const rows = await findClaims(forkOf(platform), {
      tokenHash: { $in: asked.map(({ tokenHash }) => tokenHash) },
      storedStatus: 'HELD',
    });
    return asked.map(({ tokenHash }) => {
      const claims = rows.filter((row) => row.tokenHash === tokenHash);
      return claims.length > 0 ? { known: claims } : { answer: undefined };
    });
  },

  locks: (_asked, claims) => locksOf(claims),

  decide({ known }, scene) {
    for (const { id } of known) {
      const reservation = scene.get(RESERVATIONS, id);
      if (reservation.statusAt(scene.now) === 'HELD') release(reservation, scene);
    }
    return undefined;
  },
};

/** Releases every live hold that was made under the token. @param tokenHash SHA-256 of the token, lower-case hex */
export async function releaseHoldsOfToken(platform: Platform, tokenHash: string): Promise<void> {
  await run({ platform, isOver: () => false }, RELEASE_OF_TOKEN, { tokenHash });
}

/** Gives up the holds of a HELD reservation. The reservation and its seats must be locked in `scene`. */
export function release(reservation: Reservation, scene: Scene): void {
  reservation.release(scene.now);
  for (const seatId of reservation.seatIds) scene.get(SEATS, seatId).release(reservation.id);
}

/** The locks of reservations and their seats. */
export function locksOf(claims: readonly Claims[]): Wanted {
  return {
    rows: [
      rowsOf(
        RESERVATIONS,
        claims.map(({ id }) => id),
      ),
      rowsOf(
        SEATS,
        claims.flatMap(({ seatIds }) => seatIds),
      ),
    ],
  };
}

/** Reads reservations without locks. @param where a condition of MikroORM */
export function findClaims(em: EntityManager, where: object): Promise<Reservation[]> {
  return em.find(Reservation, where, { disableIdentityMap: true });
}
