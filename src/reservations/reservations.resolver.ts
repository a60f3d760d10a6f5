import {
  Arg,
  Args,
  Ctx,
  Directive,
  Extensions,
  FieldResolver,
  ID,
  Mutation,
  Query,
  Resolver,
  Root,
} from 'type-graphql';
import { type Connection, PageArgs } from '../api/connection.ts';
import { type Context, callerOf, load } from '../api/context.ts';
import { showsById } from '../concerts/concert-loads.ts';
import { Seat, Ticket } from '../concerts/seat.ts';
import { Show } from '../concerts/show.ts';
import { Payment } from '../payments/payment.ts';
import { paymentsOfReservations } from '../payments/read-payments.ts';
import { ticketsOfReservations } from '../tickets/read-tickets.ts';
import { MoveSeatsInput, MoveSeatsResult, moveSeats } from './move-seats.ts';
import { readReservation, readReservations, seatsOfReservations } from './read-reservations.ts';
import { releaseReservation } from './release-reservation.ts';
import { ReleaseResult, Reservation, ReservationConnection, ReservationStatus, ReserveResult } from './reservation.ts';
import { ReserveBestInput, reserveBest } from './reserve-best.ts';
import { ReserveInput, reserveSeats } from './reserve-seats.ts';

@Resolver(() => Reservation)
export class ReservationsResolver {
  @FieldResolver(() => Show, { description: 'The show' })
  show(@Root() reservation: Reservation, @Ctx() context: Context): Promise<Show> {
    return load(context, showsById, reservation.showId);
  }

  @FieldResolver(() => [Seat], { description: 'Its seats, by number; those that it had when it ended' })
  seats(@Root() reservation: Reservation, @Ctx() context: Context): Promise<Seat[]> {
    return load(context, seatsOfReservations, reservation.id);
  }

  @FieldResolver(() => [Ticket], {
    description:
      'A ticket for each of its seats, by number; none unless it is CONFIRMED. Only for its owner and operators',
  })
  tickets(@Root() reservation: Reservation, @Ctx() context: Context): Promise<Ticket[]> {
    return load(context, ticketsOfReservations, reservation.id);
  }

  @FieldResolver(() => Payment, {
    nullable: true,
    description: 'The payment that is COMPLETED or CANCELLED; null for none',
  })
  payment(@Root() reservation: Reservation, @Ctx() context: Context): Promise<Payment | null> {
    return load(context, paymentsOfReservations, reservation.id);
  }

  @Query(() => Reservation, {
    nullable: true,
    description: "A reservation of the caller; null for an id that is unknown or another user's",
  })
  reservation(
    @Arg('id', () => ID, { description: 'Id of the reservation' }) id: string,
    @Ctx() context: Context,
  ): Promise<Reservation | null> {
    return readReservation(context, id);
  }

  @Query(() => ReservationConnection, { description: 'Reservations of the caller, newest first' })
  reservations(
    @Args(() => PageArgs) args: PageArgs,
    @Arg('status', () => ReservationStatus, {
      nullable: true,
      description: 'Only reservations with this status; all if left out',
    })
    status: ReservationStatus | undefined,
    @Ctx() context: Context,
  ): Promise<Connection<Reservation>> {
    return readReservations(context, callerOf(context).id, args, status);
  }

  @Extensions({ rates: ['holds'] })
  @Directive('@queued')
  @Mutation(() => ReserveResult, {
    description: `Holds the seats for \`Settings.holdSeconds\`, all or none. Answers the new Reservation, HELD, or the live one of the
caller with exactly these seats, so that it needs no key. Refused: \`SEATS_UNAVAILABLE\`, \`SALE_CLOSED\`,
\`TOO_MANY_SEATS\`, \`SHOW_CANCELLED\`. Errors: \`NOT_FOUND\` for an unknown show; \`BAD_USER_INPUT\` for no seat, a seat
named twice and a seat of another show`,
  })
  reserve(
    @Arg('input', () => ReserveInput, { description: 'The show and the seats' }) input: ReserveInput,
    @Ctx() context: Context,
  ) {
    return reserveSeats(context, input);
  }

  @Extensions({ rates: ['holds'] })
  @Directive('@queued')
  @Mutation(() => ReserveResult, {
    description: `Holds the best free seats for \`Settings.holdSeconds\`: beside each other where that is possible, else in as few groups
as possible. Answers the Reservation, HELD. Refused: \`SEATS_UNAVAILABLE\` without ids when fewer are free,
\`SALE_CLOSED\`, \`TOO_MANY_SEATS\`, \`SHOW_CANCELLED\`, \`IDEMPOTENCY_CONFLICT\`. Errors: \`NOT_FOUND\` for an unknown show;
\`BAD_USER_INPUT\` for input out of its bounds. A key replays, refusals too,
and is kept for 24 hours`,
  })
  reserveBest(
    @Arg('input', () => ReserveBestInput, { description: 'The show and the number of seats' }) input: ReserveBestInput,
    @Ctx() context: Context,
  ) {
    return reserveBest(context, input);
  }

  @Extensions({ rates: ['holds'] })
  @Mutation(() => ReleaseResult, {
    description: `Gives the seats of the caller's reservation up. Answers the Reservation, RELEASED; one that is RELEASED or EXPIRED
already as it is, so that it needs no key. Refused: \`NOT_CANCELLABLE\` when it is CONFIRMED or CANCELLED. Error:
\`NOT_FOUND\` for an id that is unknown or another user's`,
  })
  releaseReservation(
    @Arg('id', () => ID, { description: 'Id of the reservation' }) id: string,
    @Ctx() context: Context,
  ) {
    return releaseReservation(context, id);
  }

  @Directive('@operator')
  @Mutation(() => MoveSeatsResult, {
    description: `Exchanges seats of a paid reservation for other AVAILABLE seats of the show at the price that was paid, all or none.
Codes of the seats that are left are void; who was checked in stays so. Answers the Reservation. Refused:
\`NOT_MOVABLE\`, \`SEATS_UNAVAILABLE\`, \`SHOW_CANCELLED\`, \`IDEMPOTENCY_CONFLICT\`. Errors: \`NOT_FOUND\` for an unknown
reservation; \`BAD_USER_INPUT\` for a wrong number of moves, a seat named twice and a seat of another show. The key
replays, refusals too, and is kept for 24 hours`,
  })
  moveSeats(
    @Arg('input', () => MoveSeatsInput, { description: 'The reservation and the exchanges' }) input: MoveSeatsInput,
    @Ctx() context: Context,
  ) {
    return moveSeats(context, input);
  }
}
