import { Arg, Ctx, Directive, FieldResolver, Mutation, Resolver, Root } from 'type-graphql';
import type { Context } from '../api/context.ts';
import { Seat, Ticket } from '../concerts/seat.ts';
import { CheckInInput, CheckInResult, checkIn } from './check-in.ts';
import { codeOf } from './ticket-code.ts';

@Resolver(() => Ticket)
export class TicketsResolver {
  @FieldResolver(() => String, {
    description:
      'What is scanned at the door: 43 characters for a QR code, signed, the same at every reading. Void once the seat was given back or exchanged',
  })
  code(@Root() ticket: Ticket, @Ctx() { platform }: Context): Promise<string> {
    return codeOf(platform, ticket.id);
  }

  @FieldResolver(() => Seat, { description: 'The seat that it is for' })
  seat(@Root() ticket: Ticket): Seat {
    return ticket.seat as Seat;
  }

  @Directive('@operator')
  @Mutation(() => CheckInResult, {
    description: 'Lets the owner of a ticket in, once: of two who scan the same code one gets CheckedIn',
  })
  checkIn(@Arg('input', () => CheckInInput) input: CheckInInput, @Ctx() context: Context) {
    return checkIn(context, input);
  }
}
