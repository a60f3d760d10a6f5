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
registerEnumType(ProblemCode, { name: 'ProblemCode' });

@InterfaceType({ resolveType: (problem) => problem.constructor.name })
export abstract class Problem {
  @Field(() => ProblemCode)
  code!: RefusalCode;

  @Field(() => String, { description: 'One sentence that can be shown to a person' })
  message!: string;
}

@ObjectType({
  implements: Problem,
  description: 'The request was refused and needs no more explanation than its code',
})
export class Refusal extends Problem {}

@ObjectType({ implements: Problem, description: 'An operator has withdrawn what was asked for' })
export class Withdrawn extends Problem {
  @Field(() => [ID], { description: 'The products or concerts that were withdrawn' })
  ids!: string[];
}

export function withdrawn(ids: string[]): Withdrawn {
  return Object.assign(new Withdrawn(), sentenceOf('WITHDRAWN'), { ids });
}

/** Makes a refusal that has only its code and sentence. */
export function refuse(code: RefusalCode): Refusal {
  return Object.assign(new Refusal(), { code, message: REFUSALS[code] });
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
