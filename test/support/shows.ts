import type pg from 'pg';
import { cancelPayment, eventually, pay, reserve } from './builders.ts';
import type { Buyer, Data } from './client.ts';
import type { World } from './world.ts';

const HISTORY = `query ($showId: ID!, $minutes: Int!) { salesHistory(showId: $showId, minutes: $minutes) {
  at minutes sold held free revenue refunds failedPayments } }`;

export async function historyOf(operator: Buyer, showId: string, minutes = 60): Promise<Data[]> {
  return (await operator.get(HISTORY, { showId, minutes })).salesHistory;
}

/** What the points of an hour tell together. */
export async function sumsOf(operator: Buyer, showId: string): Promise<Data> {
  const points = await historyOf(operator, showId);
  const sum = (field: string): number => points.reduce((total, point) => total + point[field], 0);
  return { sold: sum('sold'), revenue: sum('revenue'), refunds: sum('refunds'), failed: sum('failedPayments') };
}

/** What `show_minute` itself has of a show. */
export async function foldedShow(pool: pg.Pool, showId: string): Promise<Data> {
  const { rows } = await pool.query(
    `select coalesce(sum(sold), 0)::int as sold, coalesce(sum(revenue), 0)::int as revenue,
       coalesce(sum(refunds), 0)::int as refunds, coalesce(sum(failed), 0)::int as failed
     from show_minute where show_id = $1`,
    [showId],
  );
  return rows[0];
}

/** Waits until everything that happened so far is added up. */
export async function untilShowsFolded(pool: pg.Pool): Promise<void> {
  const { rows } = await pool.query('select clock_timestamp() as now');
  const isFolded = 'select from show_minute_fold where folded_until > $1';
  await eventually(async () => (await pool.query(isFolded, [rows[0].now])).rowCount === 1, 30_000);
}

/** Each buyer pays for a seat, half of them take it back; then a buyer without money tries. @returns the sums */
export async function trade(
  world: World,
  operator: Buyer,
  showId: string,
  seats: string[],
  count: number,
): Promise<object> {
  const buyers = await world.buyers(count, 1_000);
  await Promise.all(
    buyers.map(async (buyer, index) => {
      const { id } = await reserve(buyer, showId, [seats[index] as string]);
      const payment = await pay(buyer, id);
      if (index % 2 === 0) await cancelPayment(buyer, payment.id);
    }),
  );
  const poor = (await world.buyer()).at(operator.url);
  await pay(poor, (await reserve(poor, showId, [seats.at(-1) as string])).id);
  const refunds = Math.ceil(count / 2) * 1_000;
  return { sold: count, revenue: count * 1_000, refunds, failed: 1 };
}
