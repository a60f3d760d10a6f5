import { randomUUID } from 'node:crypto';
import { makeShow, pay, reserve } from './builders.ts';
import type { Buyer, Data } from './client.ts';
import type { World } from './world.ts';

const TICKETS = 'query ($id: ID!) { reservation(id: $id) { tickets { code checkedInAt seat { id number status } } } }';
export const CHECK_IN = `mutation ($input: CheckInInput!) { checkIn(input: $input) { __typename
  ... on CheckedIn { seat { id number status } reservationId at }
  ... on AlreadyCheckedIn { seat { id number status } at } ... on Problem { code message } } }`;

/** A buyer who has paid for the first seats of a new show. */
export interface Guest {
  readonly buyer: Buyer;
  readonly showId: string;
  readonly seats: string[];
  readonly reservationId: string;
  readonly paymentId: string;
}

export async function makeGuest(world: World, count = 1): Promise<Guest> {
  const { id: showId, seats } = await makeShow(await world.operator());
  const buyer = await world.buyer(count * 1_000);
  const mine = seats.slice(0, count);
  const { id: reservationId } = await reserve(buyer, showId, mine);
  const { id: paymentId } = await pay(buyer, reservationId);
  return { buyer, showId, seats: mine, reservationId, paymentId };
}

/** The tickets that the owner sees. */
export async function ticketsOf({ buyer, reservationId }: Pick<Guest, 'buyer' | 'reservationId'>): Promise<Data[]> {
  return (await buyer.get(TICKETS, { id: reservationId })).reservation.tickets;
}

/** Answers the CheckInResult. */
export async function checkIn(
  operator: Buyer,
  showId: string,
  code: string,
  idempotencyKey: string = randomUUID(),
): Promise<Data> {
  return (await operator.get(CHECK_IN, { input: { code, showId, idempotencyKey } })).checkIn;
}
