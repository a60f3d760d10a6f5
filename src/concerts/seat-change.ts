import { Field, ID, ObjectType } from 'type-graphql';
import type { Platform } from '../platform/platform.ts';
import type { Channel } from '../platform/pubsub.ts';
import type { Topic } from '../platform/topics.ts';
import { Seat, toSeats } from './seat.ts';

@ObjectType({ simpleResolvers: true, description: 'Seats of one show whose status or price changed, in one batch' })
export class SeatChange {
  @Field(() => ID, { description: 'Id of the show' })
  showId!: string;

  @Field(() => [Seat], {
    description: 'The seats as they are now; empty where `resync` is true because they are too many',
  })
  seats!: Seat[];

  @Field(() => Boolean, {
    description:
      'Whether changes may have been missed or are too many to be told: ask for `seatMap` or `seatStates` again',
  })
  resync!: boolean;
}

/** Most seats that are told at once, and kept for a subscriber who has not read them; for more it receives a resync. */
export const MAX_UNREAD = 1_000;

/** Seats as they are now; an empty list tells that there are too many to be told. */
export function seatsOf(showId: string): Channel<Seat[]> {
  return { name: `onsale:seats:${showId}` };
}

/** Changes of the seats of a show, by the show's id; after a gap in the messages, a resync. */
export const SEAT_CHANGES: Topic<SeatChange> = {
  name: 'seatChanges',
  first: 'nothing',
  open: async ({ messages }, showId, publish) => {
    const stop = await messages.listen(seatsOf(showId), (seats) =>
      publish(toSeatChange(showId, seats, seats.length === 0)),
    );
    const stopGaps = messages.onGap(() => publish(toSeatChange(showId, [], true)));
    return () => {
      stop();
      stopGaps();
    };
  },
  merge: mergeChanges,
};

/**
 * Publishes to all processes, after the commit, the present state of seats; of a show of which there are too many, that
 * they should be asked for again. Never throws: the revisions and the next resync make up for a lost message.
 */
export function publishSeats(platform: Platform, seats: readonly Seat[]): void {
  for (const [showId, changed] of Map.groupBy(seats, (seat) => seat.showId)) {
    publishTo(platform, showId, changed.length > MAX_UNREAD ? [] : changed);
  }
}

/** Publishes to all processes, after the commit, that seats should be asked for again. Never throws. */
export function publishResync(platform: Platform, showId: string): void {
  publishTo(platform, showId, []);
}

function publishTo(platform: Platform, showId: string, seats: Seat[]): void {
  platform.messages.publish(seatsOf(showId), seats).catch((error: unknown) => {
    platform.log.warn({ showId, error: String(error) }, 'a change of seats could not be published');
  });
}

function toSeatChange(showId: string, seats: Seat[], resync: boolean): SeatChange {
  return Object.assign(new SeatChange(), { showId, seats: toSeats(seats), resync });
}

/** Merges two changes into one, with each seat in its newest state. */
function mergeChanges(unread: SeatChange, newer: SeatChange): SeatChange {
  const seats = new Map(unread.seats.map((seat) => [seat.id, seat]));
  for (const seat of newer.seats) {
    const known = seats.get(seat.id);
    if (!known || known.revision < seat.revision) seats.set(seat.id, seat);
  }
  if (seats.size > MAX_UNREAD) return toSeatChange(newer.showId, [], true);
  return toSeatChange(newer.showId, [...seats.values()], unread.resync || newer.resync);
}
