import fc from 'fast-check';

/** What a run of the shop begins with: small numbers, so that everything runs out. */
export const SHOP = {
  prices: [100, 700, 450],
  /** Null: made to order. */
  stocks: [6, 3, null],
  coupons: [
    { discountKind: 'FIXED', value: 250, minimumSubtotal: 0, quantity: 1 },
    { discountKind: 'PERCENT', value: 15, minimumSubtotal: 800, quantity: 2 },
  ],
  seats: 5,
  seatPrice: 600,
  seatsPerUser: 3,
  users: 2,
  balance: 2_000,
} as const;

/**
 * One thing that happens. `nth` picks among what is there by then, counted round; where nothing is, nothing happens.
 * `repeat` sends an earlier key again, `misuse` with other input.
 */
type Act =
  | { readonly do: 'place'; readonly user: number; readonly basket: readonly Line[]; readonly coupon: number | null }
  | { readonly do: 'reserve'; readonly user: number; readonly seats: readonly number[] }
  | { readonly do: 'charge'; readonly user: number; readonly amount: number }
  | { readonly do: 'claim'; readonly user: number; readonly coupon: number }
  | { readonly do: 'restock'; readonly product: number; readonly quantity: number }
  | { readonly do: 'cancelPayment'; readonly by: 'owner' | 'other' | 'operator'; readonly nth: number }
  | { readonly do: Picked; readonly nth: number };
type Picked =
  | 'payOrder'
  | 'payReservation'
  | 'cancelOrder'
  | 'release'
  | 'cancelCharge'
  | 'lapseOrder'
  | 'lapseHold'
  | 'agePayment'
  | 'repeat'
  | 'misuse';

/** A product by its place in SHOP, and how many of it. */
export type Line = readonly [product: number, quantity: number];

/** An act, and at which of the processes. */
export type Step = Act & { readonly at: number };

const user = fc.nat({ max: SHOP.users - 1 });
const nth = fc.nat({ max: 11 });
const coupon: fc.Arbitrary<number> = fc.nat({ max: SHOP.coupons.length - 1 });
const product = fc.nat({ max: SHOP.prices.length - 1 });

const ACTS: readonly (readonly [weight: number, act: fc.Arbitrary<Act>])[] = [
  [
    10,
    fc.record({
      do: fc.constant('place'),
      user,
      basket: fc.uniqueArray(fc.tuple(product, fc.integer({ min: 1, max: 3 })), {
        minLength: 1,
        maxLength: 3,
        selector: ([id]) => id,
      }),
      coupon: fc.option(coupon, { nil: null, freq: 2 }),
    }),
  ],
  [
    4,
    fc.record({
      do: fc.constant('reserve'),
      user,
      seats: fc.uniqueArray(fc.nat({ max: SHOP.seats - 1 }), { minLength: 1, maxLength: 3 }),
    }),
  ],
  [2, fc.record({ do: fc.constant('charge'), user, amount: fc.integer({ min: 1, max: 1_000 }) })],
  [3, fc.record({ do: fc.constant('claim'), user, coupon })],
  [
    3,
    fc.record({
      do: fc.constant('restock'),
      product,
      quantity: fc.integer({ min: -4, max: 4 }).filter((quantity) => quantity !== 0),
    }),
  ],
  [4, fc.record({ do: fc.constant('cancelPayment'), by: fc.constantFrom('owner', 'other', 'operator'), nth })],
  ...picked({ payOrder: 6, payReservation: 4, cancelOrder: 3, release: 2, cancelCharge: 2 }),
  ...picked({ lapseOrder: 2, lapseHold: 2, agePayment: 1, repeat: 4, misuse: 2 }),
];

function picked(weights: Partial<Record<Picked, number>>): (readonly [number, fc.Arbitrary<Act>])[] {
  return Object.entries(weights).map(([act, weight]) => [weight, fc.record({ do: fc.constant(act as Picked), nth })]);
}

/** A step; everything that can happen has a share in it. */
export const step: fc.Arbitrary<Step> = fc
  .tuple(fc.oneof(...ACTS.map(([weight, arbitrary]) => ({ weight, arbitrary }))), fc.nat({ max: 1 }))
  .map(([act, at]) => ({ ...act, at }));

/** What `nth` picks. */
export function pick<T>(list: readonly T[], nth: number): T | undefined {
  return list[nth % (list.length || 1)];
}
