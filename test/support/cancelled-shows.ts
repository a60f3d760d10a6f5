import { expect } from 'vitest';
import { cancelShow, eventually, makeShow, pay, reserve, violationsOf } from './builders.ts';
import type { Buyer } from './client.ts';
import type { World } from './world.ts';

/**
 * Cancels one show after the other while 100 buyers pay for seats of it and 100 reserve others, over two processes. Expects
 * that in the end nobody has paid for any of them or holds a seat, that every won is back, and that the audit is clean.
 */
export async function cancelAmidSales(world: World, operator: Buyer, rounds: number): Promise<void> {
  const buyers = await world.buyers(100, 1_000 * rounds);
  const at = (index: number): Buyer => (buyers[index] as Buyer).at(world.urls[index % 2] as string);
  const shows: string[] = [];
  for (let round = 0; round < rounds; round++) {
    const show = await makeShow(operator, { seatCount: 200 });
    shows.push(show.id);
    const held = await Promise.all(
      buyers.map((_buyer, index) => reserve(at(index), show.id, [show.seats[index] as string])),
    );
    const [cancelled, ...answers] = await Promise.all([
      cancelShow(operator, show.id),
      ...held.map(({ id }, index) => pay(at(index), id)),
      ...buyers.map((_buyer, index) => reserve(at(index), show.id, [show.seats[100 + index] as string])),
    ]);
    expect(cancelled.cancelledAt).not.toBeNull();
    for (const { __typename, code } of answers)
      expect(__typename === 'Refusal' ? code : 'done').toMatch(/^(done|SHOW_CANCELLED)$/);
  }
  await eventually(async () => {
    const open = 'select from show_refund where show_id = any($1) and done_at is null';
    return (await world.pool.query(open, [shows])).rowCount === 0;
  }, 60_000);
  const { rows } = await world.pool.query(
    `select count(*) filter (where r.status in ('HELD', 'CONFIRMED'))::int as live, count(p.id)::int as paid
     from reservation r left join payment p on p.reservation_id = r.id and p.status = 'COMPLETED'
     where r.show_id = any($1)`,
    [shows],
  );
  expect(rows).toEqual([{ live: 0, paid: 0 }]);
  expect((await world.pool.query('select from hold where show_id = any($1)', [shows])).rowCount).toBe(0);
  const { rows: wallets } = await world.pool.query(
    'select count(*)::int as wrong from wallet where user_id = any($1) and balance <> $2',
    [buyers.map(({ id }) => id), 1_000 * rounds],
  );
  expect(wallets).toEqual([{ wrong: 0 }]);
  expect(await violationsOf(operator)).toEqual({});
}
