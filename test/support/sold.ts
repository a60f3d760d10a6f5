import { cancelCharge, cancelPayment, charge, type MadeShow, makeShow, pay, reserve } from './builders.ts';
import type { Buyer, Data } from './client.ts';
import type { World } from './world.ts';

/** What there is to be counted. */
export interface Sold {
  readonly buyer: Buyer;
  readonly show: MadeShow;
  /** Of seat 1, paid; of seat 2, paid and cancelled. */
  readonly paid: Data;
  readonly cancelled: Data;
  /** Of seat 1, CONFIRMED; of seat 3, HELD. */
  readonly reservation: string;
  readonly held: string;
}

/** A buyer who charged, cancelled a charge, bought two seats one by one, gave the second back, and holds the third. */
export async function sellSome(world: World, operator: Buyer): Promise<Sold> {
  const show = await makeShow(operator, { seatCount: 10 });
  const buyer = await world.buyer(5_000);
  await cancelCharge(buyer, (await charge(buyer, 700)).id);
  const reservation = (await reserve(buyer, show.id, [show.seats[0] as string])).id;
  const paid = await pay(buyer, reservation);
  const second = await pay(buyer, (await reserve(buyer, show.id, [show.seats[1] as string])).id);
  const cancelled = await cancelPayment(buyer, second.id);
  const held = (await reserve(buyer, show.id, [show.seats[2] as string])).id;
  return { buyer, show, paid, cancelled, reservation, held };
}
