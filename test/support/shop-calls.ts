import { randomUUID } from 'node:crypto';
import { cancelCharge, cancelPayment, charge, pay, reserve } from './builders.ts';
import type { Buyer, Data } from './client.ts';
import { type Basket, cancelOrder, claim, makeOverdue, payOrder, placeOrder, readOrder, restock } from './shop.ts';
import type { Owned, ShopRun } from './shop-run.ts';
import { pick, type Step } from './shop-script.ts';

/** One way of asking, at one of the processes; the key is for mutations that have one. */
type Ask = (key: string, at: number) => Promise<Data>;

/** What a step asks for, its places in lists looked up. */
export interface Call {
  readonly ask: Ask;
  /** The same mutation under the same key with other input; for mutations that have keys. */
  readonly misuse?: Ask;
  /** Where what it answers is known by from then on, and whose it is. */
  readonly list?: Owned[];
  readonly user?: number;
  /** Of a claim: user and coupon. */
  readonly coupon?: string;
}

/** Undefined where there is nothing to do it to. */
export function callOf(run: ShopRun, step: Step): Call | undefined {
  switch (step.do) {
    case 'place':
      return placing(run, step);
    case 'charge':
      return charging(run, step.user, step.amount);
    case 'restock':
      return restocking(run, step.product, step.quantity);
    case 'reserve':
    case 'claim':
      return taking(run, step);
    case 'cancelPayment':
      return refunding(run, pick(run.payments, step.nth), step.by);
    case 'cancelCharge':
      return uncharging(run, pick(run.charges, step.nth));
    case 'payOrder':
      return paying(run, pick(run.orders, step.nth), payOrder);
    case 'payReservation':
      return paying(run, pick(run.reservations, step.nth), pay);
    case 'cancelOrder':
    case 'lapseOrder':
      return endingOrder(run, pick(run.orders, step.nth), step.do);
    case 'release':
    case 'lapseHold':
      return endingHold(run, pick(run.reservations, step.nth), step.do);
    case 'agePayment':
      return aging(run, pick(run.payments, step.nth));
    default:
      return undefined;
  }
}

function placing(run: ShopRun, { user, basket, coupon }: Extract<Step, { readonly do: 'place' }>): Call {
  const asked: Basket = Object.fromEntries(basket.map(([product, quantity]) => [run.products[product], quantity]));
  const issued = run.issued.get(`${user} ${coupon}`) ?? randomUUID();
  const input = coupon === null ? {} : { issuedCouponId: issued };
  const place =
    (wanted: Basket): Ask =>
    (idempotencyKey, at) =>
      placeOrder(buyer(run, user, at), wanted, { ...input, idempotencyKey });
  return { ask: place(asked), misuse: place({ [run.products[2] as string]: 50 }), list: run.orders, user };
}

function charging(run: ShopRun, user: number, amount: number): Call {
  const ask =
    (wanted: number): Ask =>
    (key, at) =>
      charge(buyer(run, user, at), wanted, key);
  return { ask: ask(amount), misuse: ask(amount + 1), list: run.charges, user };
}

function restocking(run: ShopRun, product: number, quantity: number): Call {
  const ask =
    (wanted: number): Ask =>
    (key, at) =>
      restock(run.operator.at(run.world.urls[at] as string), run.products[product] as string, wanted, key);
  return { ask: ask(quantity), misuse: ask(quantity + 10) };
}

function taking(run: ShopRun, step: Extract<Step, { readonly do: 'reserve' | 'claim' }>): Call {
  const { user } = step;
  if (step.do === 'claim') {
    const ask: Ask = (_key, at) => claim(buyer(run, user, at), run.coupons[step.coupon] as string);
    return { ask, coupon: `${user} ${step.coupon}` };
  }
  const seats = step.seats.map((seat) => run.seats[seat] as string);
  return { ask: (_key, at) => reserve(buyer(run, user, at), run.show, seats), list: run.reservations, user };
}

function refunding(run: ShopRun, payment: Owned | undefined, by: 'owner' | 'other' | 'operator'): Call | undefined {
  if (!payment) return undefined;
  const who = { owner: run.users[payment.user], other: run.users[1 - payment.user], operator: run.operator }[
    by
  ] as Buyer;
  const ask =
    (id: string): Ask =>
    (key, at) =>
      cancelPayment(who.at(run.world.urls[at] as string), id, key);
  return { ask: ask(payment.id), misuse: ask(randomUUID()) };
}

function uncharging(run: ShopRun, entry: Owned | undefined): Call | undefined {
  if (!entry) return undefined;
  const ask =
    (id: string): Ask =>
    (key, at) =>
      cancelCharge(buyer(run, entry.user, at), id, key);
  return { ask: ask(entry.id), misuse: ask(randomUUID()), user: entry.user };
}

function paying(run: ShopRun, payable: Owned | undefined, send: typeof pay): Call | undefined {
  if (!payable) return undefined;
  const { user } = payable;
  const ask =
    (id: string): Ask =>
    (key, at) =>
      send(buyer(run, user, at), id, key);
  return { ask: ask(payable.id), misuse: ask(randomUUID()), list: run.payments, user };
}

function endingOrder(run: ShopRun, order: Owned | undefined, how: 'cancelOrder' | 'lapseOrder'): Call | undefined {
  if (!order) return undefined;
  const who = (at: number): Buyer => buyer(run, order.user, at);
  if (how === 'cancelOrder') return { ask: (_key, at) => cancelOrder(who(at), order.id) };
  return {
    ask: async (_key, at) => {
      await makeOverdue(run.world.pool, order.id);
      return { __typename: 'Order', ...(await readOrder(who(at), order.id)) };
    },
  };
}

function endingHold(run: ShopRun, held: Owned | undefined, how: 'release' | 'lapseHold'): Call | undefined {
  if (!held) return undefined;
  const query =
    how === 'release'
      ? 'mutation ($id: ID!) { answer: releaseReservation(id: $id) { __typename ... on Reservation { id status amount } ... on Problem { code } } }'
      : 'query ($id: ID!) { answer: reservation(id: $id) { __typename id status amount } }';
  return {
    ask: async (_key, at) => {
      if (how === 'lapseHold') await lapse(run, held.id);
      return (await buyer(run, held.user, at).get(query, { id: held.id })).answer;
    },
  };
}

/** Lets the time of a hold be over; locked in the order of the sweep, which may be at it. */
async function lapse(run: ShopRun, id: string): Promise<void> {
  await run.world.pool.query(
    `with held as materialized (
       select id from reservation where id = $1 and status = 'HELD' for update
     ), lapsed as (
       update reservation r set expires_at = clock_timestamp() - interval '1 second' from held where r.id = held.id
     ) update hold h set expires_at = clock_timestamp() - interval '1 second' from held where h.reservation_id = held.id`,
    [id],
  );
}

function aging(run: ShopRun, payment: Owned | undefined): Call | undefined {
  if (!payment) return undefined;
  return {
    ask: async (_key, at) => {
      const text = `update payment set created_at = clock_timestamp() - interval '25 hours' where id = $1`;
      await run.world.pool.query(text, [payment.id]);
      const query = '{ payments(first: 100) { edges { node { __typename id status amount } } } }';
      const { payments } = await buyer(run, payment.user, at).get(query);
      return payments.edges.find(({ node }: Data) => node.id === payment.id).node;
    },
  };
}

function buyer(run: ShopRun, user: number, at: number): Buyer {
  return (run.users[user] as Buyer).at(run.world.urls[at] as string);
}
