import { Arg, Ctx, Directive, FieldResolver, Mutation, Resolver, Root } from 'type-graphql';
import type { Context } from '../api/context.ts';
import { Seat, Ticket } from '../concerts/seat.ts';
import { CheckInInput, CheckInResult, checkIn } from './check-in.ts';
import { codeOf } from './ticket-code.ts';

@Resolver(() => Ticket)
export class TicketsResolver {
  @FieldResolver(() => String, {
    description:
      'What is scanned at the door: 43 characters for a QR code, signed, the same whenever it is read. It is void once the seat was given back or exchanged',
  })
  code(@Root() ticket: Ticket, @Ctx() { platform }: Context): Promise<string> {
    return codeOf(platform, ticket.id);
  }

  @FieldResolver(() => Seat, { description: 'The seat' })
  seat(@Root() ticket: Ticket): Seat {
    return ticket.seat as Seat;
  }

  @Directive('@operator')
  @Mutation(() => CheckInResult, {
    description: `Lets the owner of a ticket in, once: of two who scan the same code one gets CheckedIn. Refused: \`ALREADY_CHECKED_IN\`,
\`TICKET_INVALID\`, \`SHOW_CANCELLED\`, \`IDEMPOTENCY_CONFLICT\`; nobody is let in then. Errors: \`NOT_FOUND\` for an unknown
show; \`BAD_USER_INPUT\` for a code out of its bounds. The key replays, refusals too, and is kept for 24 hours`,
  })
  checkIn(
    @Arg('input', () => CheckInInput, { description: 'The code and the show' }) input: CheckInInput,
    @Ctx() context: Context,
  ) {
    return checkIn(context, input);
  }
}
