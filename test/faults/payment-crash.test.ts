import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeShow, pay, reserve } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { chainOf } from '../support/ledger.ts';
import { World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await World.open();
});
afterAll(() => world.close());

interface Wish {
  readonly buyer: Buyer;
  readonly id: string;
  readonly key: string;
}

/** Reservations of one seat each, a few for every buyer. */
async function wishes(buyers: Buyer[], show: { id: string; seats: string[] }, each: number): Promise<Wish[]> {
  const wish = async (buyer: Buyer, index: number): Promise<Wish> => {
    const { id } = await reserve(buyer, show.id, [show.seats[index] as string]);
    return { buyer, id, key: `key of ${id}` };
  };
  return Promise.all(buyers.flatMap((buyer, b) => Array.from({ length: each }, (_, i) => wish(buyer, b * each + i))));
}

it('a process killed in a storm of payments loses and doubles none: retries with the same keys complete them all', async () => {
  const show = await makeShow(await world.operator(), { seatCount: 120 });
  const buyers = await world.buyers(30, 10_000);
  const all = await wishes(buyers, show, 4);
  const [doomed, survivor] = world.processes as [World['processes'][number], World['processes'][number]];

  const storm = all.map(({ buyer, id, key }, index) =>
    pay(buyer.at(index % 2 === 0 ? doomed.url : survivor.url), id, key).catch(() => undefined),
  );
  await Promise.race(storm);
  await doomed.stop('SIGKILL');
  const first = await Promise.all(storm);
  expect(first).toContain(undefined);

  const retried: Data[] = await Promise.all(all.map(({ buyer, id, key }) => pay(buyer.at(survivor.url), id, key)));
  expect(retried.filter(({ status }) => status !== 'COMPLETED')).toEqual([]);
  for (const [index, answer] of first.entries()) if (answer) expect(retried[index].id).toBe(answer.id);
  const { rows } = await world.pool.query(
    `select (select count(*)::int from ticket) as tickets, (select count(*)::int from hold) as holds,
       (select count(*)::int from payment where status = 'COMPLETED') as payments`,
  );
  expect(rows[0]).toEqual({ tickets: 120, holds: 0, payments: 120 });
  for (const buyer of buyers) {
    expect(await chainOf(world.pool, buyer.id)).toEqual({ entries: 5, unbroken: true, sum: 6_000 });
  }
});
