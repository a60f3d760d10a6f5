import { Arg, Ctx, Directive, Extensions, FieldResolver, ID, Int, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { Connection } from '../api/connection.ts';
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
  @FieldResolver(() => Show)
  show(@Root() reservation: Reservation, @Ctx() context: Context): Promise<Show> {
    return load(context, showsById, reservation.showId);
  }

  @FieldResolver(() => [Seat])
  seats(@Root() reservation: Reservation, @Ctx() context: Context): Promise<Seat[]> {
    return load(context, seatsOfReservations, reservation.id);
  }

  @FieldResolver(() => [Ticket], {
    description: 'For its owner and operators: a ticket for each of its seats, by number; none unless it is CONFIRMED',
  })
  tickets(@Root() reservation: Reservation, @Ctx() context: Context): Promise<Ticket[]> {
    return load(context, ticketsOfReservations, reservation.id);
  }

  @FieldResolver(() => Payment, { nullable: true, description: 'The COMPLETED or CANCELLED one' })
  payment(@Root() reservation: Reservation, @Ctx() context: Context): Promise<Payment | null> {
    return load(context, paymentsOfReservations, reservation.id);
  }

  @Query(() => Reservation, { nullable: true })
  reservation(@Arg('id', () => ID) id: string, @Ctx() context: Context): Promise<Reservation | null> {
    return readReservation(context, id);
  }

  @Query(() => ReservationConnection)
  reservations(
    @Arg('first', () => Int, { defaultValue: 20 }) first: number,
    @Arg('after', () => String, { nullable: true }) after: string | undefined,
    @Arg('status', () => ReservationStatus, { nullable: true }) status: ReservationStatus | undefined,
    @Ctx() context: Context,
  ): Promise<Connection<Reservation>> {
    return readReservations(context, callerOf(context).id, first, after, status);
  }

  @Extensions({ rates: ['holds'] })
  @Directive('@queued')
  @Mutation(() => ReserveResult)
  reserve(@Arg('input', () => ReserveInput) input: ReserveInput, @Ctx() context: Context) {
    return reserveSeats(context, input);
  }

  @Extensions({ rates: ['holds'] })
  @Directive('@queued')
  @Mutation(() => ReserveResult)
  reserveBest(@Arg('input', () => ReserveBestInput) input: ReserveBestInput, @Ctx() context: Context) {
    return reserveBest(context, input);
  }

  @Extensions({ rates: ['holds'] })
  @Mutation(() => ReleaseResult, {
    description: 'HELD becomes RELEASED; RELEASED or EXPIRED answers itself; CONFIRMED or CANCELLED: NOT_CANCELLABLE',
  })
  releaseReservation(@Arg('id', () => ID) id: string, @Ctx() context: Context) {
    return releaseReservation(context, id);
  }

  @Directive('@operator')
  @Mutation(() => MoveSeatsResult, {
    description: `Exchanges seats of a paid reservation for other AVAILABLE seats of the show at the price that was paid, all or none. Codes of the seats that are
left are void`,
  })
  moveSeats(@Arg('input', () => MoveSeatsInput) input: MoveSeatsInput, @Ctx() context: Context) {
    return moveSeats(context, input);
  }
}
