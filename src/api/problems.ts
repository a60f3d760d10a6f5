import { GraphQLError, type GraphQLErrorExtensions } from 'graphql';
import { type ClassType, Field, ID, InterfaceType, ObjectType, registerEnumType } from 'type-graphql';
import type { KeptAnswer } from '../commands/idempotency.ts';

/** Every refusal, with the sentence that can be shown to a person. */
export const REFUSALS = {
  NAME_TAKEN: 'This name is taken. Please choose another one.',
  INVALID_CREDENTIALS: 'Name or password is wrong.',
  ACCOUNT_IN_USE: 'The account still has money, seats, orders or tickets.',
  LAST_OPERATOR: 'There must be another operator first.',
  QUEUE_FULL: 'The queue is full at the moment. Please try again in a little while.',
  QUEUE_CLOSED: 'The queue is closed.',
  SHOW_CANCELLED: 'This show has been cancelled.',
  WITHDRAWN: 'This is no longer for sale.',
  SHOW_BEGUN: 'This show has begun.',
  NO_SEAT_AVAILABLE: 'None of these seats is available any more.',
  SEATS_SOLD: 'Seats of coming shows have been sold.',
  SALE_CLOSED: 'Tickets for this date are not on sale at the moment.',
  SEATS_UNAVAILABLE: 'Some of these seats have just been taken.',
  TOO_MANY_SEATS: 'That is more seats of one date than one person can have.',
  HOLD_EXPIRED: 'The seats were held for too long without payment and have been given up.',
  NOT_PAYABLE: 'This can no longer be paid for.',
  ALREADY_PAID: 'This has already been paid for.',
  INSUFFICIENT_BALANCE: 'There is not enough money in the wallet.',
  BALANCE_LIMIT: 'The wallet cannot hold that much money.',
  NOT_CANCELLABLE: 'This can no longer be cancelled.',
  NOT_MOVABLE: 'These seats cannot be exchanged for each other.',
  NOT_REFUNDABLE: 'Not all of that is left to be given back.',
  ORDER_LIMIT: 'That is more than one person can order; pay for or cancel what is unpaid, or order less.',
  INSUFFICIENT_STOCK: 'There are not as many left as were asked for.',
  COUPON_SOLD_OUT: 'All of these coupons have been given out.',
  COUPON_ALREADY_CLAIMED: 'You have this coupon already.',
  COUPON_CLOSED: 'This coupon is not given out at the moment.',
  QUANTITY_ONLY_GROWS: 'The quantity of a coupon can only be raised.',
  COUPON_NOT_USABLE: 'The coupon cannot be used for this order.',
  PRIORITY_CODE_INVALID: 'This code does not open this queue for you.',
  TICKET_INVALID: 'This is no ticket of this show.',
  ALREADY_CHECKED_IN: 'This ticket has let somebody in before.',
  IDEMPOTENCY_CONFLICT: 'This key was already used for a different request.',
} as const;

/** Every code of a top-level error, with its message. Apollo's codes (errors.ts) are added to these. */
export const ERRORS = {
  UNAUTHENTICATED: 'Sign in first: the access token is missing, wrong or over.',
  FORBIDDEN: 'Your role may not do this.',
  NOT_FOUND: 'There is no such thing, or it is not yours.',
  BAD_USER_INPUT: 'The input cannot be right; the message says what is wrong with it.',
  QUEUE_TOKEN_REQUIRED: 'Only the holder of an ACTIVE token of this queue is served.',
  RATE_LIMITED: 'Too many requests; ask again after retryAfterMs.',
  SERVICE_UNAVAILABLE: 'The outcome is unknown or nothing was done: ask again, with the same key.',
  INTERNAL_SERVER_ERROR: 'A fault of ours; it was logged under requestId.',
} as const;

export type ErrorCode = keyof typeof ERRORS;
export type RefusalCode = keyof typeof REFUSALS;
export const ProblemCode = Object.fromEntries(Object.keys(REFUSALS).map((code) => [code, code])) as {
  [C in RefusalCode]: C;
};
registerEnumType(ProblemCode, {
  name: 'ProblemCode',
  description: 'Every reason for which a mutation refuses',
  valuesConfig: {
    NAME_TAKEN: { description: '`signUp`: another user has the name' },
    INVALID_CREDENTIALS: {
      description:
        '`signIn`: the name is unknown or the password wrong, which of the two is not told. `changePassword`: the old password is wrong',
    },
    ACCOUNT_IN_USE: {
      description:
        '`deleteMyAccount`: the account has money, charges that may still be paid, live holds, unpaid orders or tickets of shows to come',
    },
    LAST_OPERATOR: { description: '`setRole`, `deleteMyAccount`: no operator who can sign in would be left' },
    QUEUE_FULL: { description: '`enterQueue`: `maxWaiting` people wait already' },
    QUEUE_CLOSED: { description: '`enterQueue`: the queue is CLOSED' },
    SHOW_CANCELLED: {
      description: '`reserve`, `reserveBest`, `pay`, `moveSeats`, `updateShow`, `checkIn`: the show was cancelled',
    },
    WITHDRAWN: {
      description:
        '`placeOrder`, `pay`, `updateProduct`, `updateConcert`, `updateShow`: an operator has withdrawn the product or the concert',
    },
    SHOW_BEGUN: { description: '`updateShow`: the show has begun' },
    NO_SEAT_AVAILABLE: { description: '`updateShow`: a new price is for sections of which every seat is held or sold' },
    SEATS_SOLD: { description: '`withdrawConcert`: seats of coming shows of the concert are sold' },
    SALE_CLOSED: { description: '`reserve`, `reserveBest`: the sale of the show has not begun, or is over' },
    SEATS_UNAVAILABLE: {
      description:
        '`reserve`, `reserveBest`, `moveSeats`: seats that were asked for are held or sold, or fewer are free than were asked for',
    },
    TOO_MANY_SEATS: {
      description:
        '`reserve`, `reserveBest`: the user would hold and own more than `Settings.seatsPerUser` seats of the show',
    },
    HOLD_EXPIRED: { description: '`pay`: the hold has lapsed. A FAILED payment is kept' },
    NOT_PAYABLE: {
      description:
        '`pay`: the reservation was released or cancelled, its show has begun, or the order was cancelled or not paid in time',
    },
    ALREADY_PAID: { description: '`pay`: it was paid for under another key' },
    INSUFFICIENT_BALANCE: {
      description: '`pay`, `adjustWallet`: the wallet has less than is taken. Of `pay` a FAILED payment is kept',
    },
    BALANCE_LIMIT: {
      description: '`charge`, `chargeWallet`, `adjustWallet`: the balance would exceed the limit of the deployment',
    },
    NOT_CANCELLABLE: {
      description:
        '`releaseReservation`, `cancelOrder`, `cancelCharge`, `cancelPayment`, `refundPayment`: it cannot be given up or given back in its state, or no longer',
    },
    NOT_MOVABLE: {
      description:
        '`moveSeats`: the reservation does not have the seats, or is not CONFIRMED, or the other seats have another price',
    },
    NOT_REFUNDABLE: { description: '`refundPayment`: the payment is not for these seats or pieces, or no longer' },
    ORDER_LIMIT: { description: '`placeOrder`: the order goes beyond a limit for each user' },
    INSUFFICIENT_STOCK: { description: '`placeOrder`, `restock`: the stock is less than what is taken' },
    COUPON_SOLD_OUT: { description: '`claimCoupon`: all coupons have been issued' },
    COUPON_ALREADY_CLAIMED: { description: '`claimCoupon`: the user has the coupon' },
    COUPON_CLOSED: {
      description:
        '`claimCoupon`: before `startsAt`, from `endsAt` on, or after an operator has closed it. `updateCoupon`: more of a closed coupon',
    },
    QUANTITY_ONLY_GROWS: { description: '`updateCoupon`: the quantity is below the present one' },
    COUPON_NOT_USABLE: {
      description:
        '`placeOrder`: another order has the coupon, it is not valid now, or the subtotal is below its minimum',
    },
    PRIORITY_CODE_INVALID: { description: "`enterQueue`: the code is unknown, of another queue, or another user's" },
    TICKET_INVALID: {
      description: '`checkIn`: the code was forged or altered, or its ticket is void or of another show',
    },
    ALREADY_CHECKED_IN: { description: '`checkIn`: the ticket has let somebody in under another key' },
    IDEMPOTENCY_CONFLICT: {
      description:
        'Every mutation with an `idempotencyKey`: the key came before with other input. Make a new key for each thing that is wanted',
    },
  },
});

@InterfaceType({
  resolveType: (problem) => problem.constructor.name,
  description:
    'A refusal: the expected "no" of a mutation. It is data, not an error, and nothing was changed unless its mutation says so',
})
export abstract class Problem {
  @Field(() => ProblemCode, {
    description: 'Which refusal it is: what a program decides by. Expect codes that are not in this list yet',
  })
  code!: RefusalCode;

  @Field(() => String, { description: 'One sentence in English that can be shown to a person' })
  message!: string;
}

@ObjectType({
  implements: Problem,
  description: 'A refusal that needs no more explanation than its code',
})
export class Refusal extends Problem {}

@ObjectType({ implements: Problem, description: '`WITHDRAWN`: an operator has withdrawn what was asked for' })
export class Withdrawn extends Problem {
  @Field(() => [ID], { description: 'The products or concerts that were withdrawn' })
  ids!: string[];
}

export function withdrawn(ids: string[]): Withdrawn {
  return Object.assign(new Withdrawn(), sentenceOf('WITHDRAWN'), { ids });
}

/**
 * Makes a refusal that has only its code and sentence.
 * @param message the sentence, where it names the limit in force
 */
export function refuse(code: RefusalCode, message: string = REFUSALS[code]): Refusal {
  return Object.assign(new Refusal(), { code, message });
}

/** The sentence of a refusal that carries more than its code. */
export function sentenceOf<C extends RefusalCode>(code: C): { code: C; message: string } {
  return { code, message: REFUSALS[code] };
}

/** A refusal as it is kept under an idempotency key. */
export function keptRefusal(refusal: Problem): KeptAnswer {
  return { type: refusal.constructor.name, fields: refusal };
}

/** What `keptRefusal` kept. @param kinds the classes, besides Refusal, that it may be of */
export function restoreRefusal<P extends Problem = Refusal>(
  { type, fields = {} }: KeptAnswer,
  kinds: Record<string, ClassType<P>> = {},
): P | Refusal {
  return Object.assign(new (kinds[type] ?? Refusal)(), fields);
}

/** An error that the caller sees unchanged; every other error is masked. */
export class CallerError extends GraphQLError {
  constructor(code: ErrorCode, message: string = ERRORS[code], extensions: GraphQLErrorExtensions = {}) {
    super(message, { extensions: { ...extensions, code } });
  }
}

/**
 * @param argument the path of the argument or input field at fault, as the client wrote it: `first`, `input.seatIds`,
 * `input.lines[2].quantity`
 * @param fault the end of a sentence that begins with the argument, such as `must be from 1 to 50`: it names the limit in
 * force, and quotes no more of the input than is safe to show
 */
export function badInput(argument: string, fault: string): CallerError {
  return new CallerError('BAD_USER_INPUT', `${argument.replace(/^input\./, '')} ${fault}.`, { argument });
}

/** @param what the noun that was looked for, such as `show` */
export function notFound(what: string): CallerError {
  return new CallerError('NOT_FOUND', `There is no such ${what}.`);
}

/** A request of the wrong form, which over HTTP is answered with the status 400. @param message a whole sentence */
export function badRequest(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_REQUEST', http: { status: 400 } } });
}
