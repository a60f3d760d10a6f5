import { makeContext } from '../api/context.ts';
import { createConcert } from '../concerts/create-concert.ts';
import { createShow } from '../concerts/create-show.ts';
import { createCoupon } from '../coupons/create-coupon.ts';
import { forkOf, type Platform } from '../platform/platform.ts';
import { withAdvisoryLock } from '../platform/postgres.ts';
import { keepSetting, readSetting } from '../platform/settings.ts';
import { HOUR } from '../platform/units.ts';
import { createQueue } from '../queue/create-queue.ts';
import { createProduct } from '../shop/create-product.ts';

interface DemoConcerts {
  readonly queueId: string;
  readonly queuedConcertId: string;
  readonly openConcertId: string;
}

interface DemoShop {
  readonly couponId: string;
}

/** Ids of the demo data. */
export interface Demo extends DemoConcerts, DemoShop {}

const DAY = 24 * HOUR;
const PRICE = 80_000;

/** The hall behind the queue: 300 seats in sections. */
const SECTIONS = [
  { name: 'Floor', price: 120_000, seatCount: 100, seatsPerRow: 20 },
  { name: 'West', price: PRICE, seatCount: 50, seatsPerRow: 10 },
  { name: 'East', price: PRICE, seatCount: 50, seatsPerRow: 10 },
  { name: 'Balcony', price: 60_000, seatCount: 100, seatsPerRow: 25 },
];

/** What the demo shop sells: name, description, category, price, and how many; null: made to order. */
const PRODUCTS: readonly [string, string, string, number, number | null][] = [
  ['Tour T-Shirt', 'Black cotton, all dates on the back', 'clothes', 35_000, 200],
  ['Signed Poster', 'A1, signed by the band; there are only thirty', 'paper', 20_000, 30],
  ['Light Stick', 'Glows in the colour of the song', 'things', 28_000, 500],
  ['Coffee', 'Black, made when you order it', 'drinks', 4_500, null],
  ['Cafe Latte', 'Coffee with milk, made when you order it', 'drinks', 5_000, null],
];

/**
 * Things to try, each made once: two concerts, one behind a queue of capacity 20, so that waiting can be seen, and one
 * without, three dates each, of 300 seats in sections and of 50; and a shop of a few products with a coupon for the first hundred.
 */
export function seedDemo(platform: Platform): Promise<Demo> {
  return withAdvisoryLock(forkOf(platform), 'demo', async () => ({
    ...(await seeded(platform, 'demo', makeConcerts)),
    ...(await seeded(platform, 'demo-shop', makeShop)),
  }));
}

async function seeded<T>(platform: Platform, name: string, make: (platform: Platform) => Promise<T>): Promise<T> {
  const kept = await readSetting<T>(forkOf(platform), name);
  if (kept) return kept;
  const made = await make(platform);
  return keepSetting(forkOf(platform), name, () => made);
}

async function makeShop(platform: Platform): Promise<DemoShop> {
  const context = makeContext(platform, null, undefined);
  for (const [name, description, category, price, stock] of PRODUCTS) {
    await createProduct(makeContext(platform, null, undefined), { name, description, category, price, stock });
  }
  const { id } = await createCoupon(context, {
    name: 'Demo: a tenth off for the first hundred',
    discountKind: 'PERCENT',
    value: 10,
    minimumSubtotal: 10_000,
    quantity: 100,
    startsAt: new Date(Date.now() - HOUR),
    endsAt: new Date(Date.now() + 30 * DAY),
  });
  return { couponId: id };
}

async function makeConcerts(platform: Platform): Promise<DemoConcerts> {
  const context = makeContext(platform, null, undefined);
  const queue = await createQueue(context, {
    name: 'Demo: the gate',
    capacity: 20,
    activeSeconds: 120,
    maxWaiting: 110_000,
    reenter: false,
    awaySeconds: 180,
    board: true,
  });
  const queued = await createConcert(context, {
    title: 'Midnight Parade (behind a queue)',
    artist: 'Midnight Parade',
    description: 'Twenty people at a time are let in: enter the queue and see your place.',
    imageUrl: '/pictures/midnight-parade.svg',
    queueId: queue.id,
  });
  const open = await createConcert(context, {
    title: 'Open Air (no queue)',
    artist: 'The Open Air',
    description: 'Walk right in.',
    imageUrl: '/pictures/open-air.svg',
  });
  const noon = Math.floor(Date.now() / DAY) * DAY + 10 * HOUR;
  const halls = [
    [queued.id, { venue: 'Olympic Hall', price: 60_000, sections: SECTIONS }],
    [open.id, { venue: 'Riverside Stage', price: PRICE }],
  ] as const;
  for (const [concertId, hall] of halls) {
    for (const days of [30, 31, 32]) {
      await createShow(context, {
        concertId,
        subtitle: '',
        startsAt: new Date(noon + days * DAY),
        durationMinutes: 120,
        salesOpenAt: new Date(Date.now() - HOUR),
        salesCloseAt: new Date(noon + days * DAY),
        seatCount: 50,
        seatsPerRow: 10,
        ...hall,
      });
    }
  }
  return { queueId: queue.id, queuedConcertId: queued.id, openConcertId: open.id };
}
