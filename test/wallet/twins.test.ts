import { expect, it } from 'vitest';
import { balanceOf, cancelCharge, charge } from '../support/builders.ts';
import type { Buyer } from '../support/client.ts';
import { type Chain, chainOf } from '../support/ledger.ts';
import { World } from '../support/world.ts';

/** Runs `scenario` in two processes under the guard, with the preload, and without the constraints that stand behind it. */
async function without<T>(guard: string, preload: string, scenario: (world: World) => Promise<T>): Promise<T> {
  const world = await World.open({ env: { WALLET_GUARD: guard }, preload });
  try {
    await world.pool.query('alter table entry drop constraint entry_chain');
    await world.pool.query('create index on entry (wallet_id, seq)');
    await world.pool.query('drop index entry_cancels_once');
    return await scenario(world);
  } finally {
    await world.close();
  }
}

/** A wallet of 1,000 that is charged 300 times at once with 500. */
async function chargeAtOnce(world: World): Promise<{ balance: number; chain: Chain }> {
  const buyer = await world.buyer(1_000);
  await Promise.all(Array.from({ length: 300 }, (_, index) => charge(buyer.at(world.urls[index % 2] as string), 500)));
  return { balance: await balanceOf(buyer), chain: await chainOf(world.pool, buyer.id) };
}

it.each([
  ['optimistic', 'its version check', './without-version-check.ts'],
  ['pessimistic', 'its row lock', './without-wallet-lock.ts'],
  ['redis-lock', 'its lock', './without-redis-lock.ts'],
])('the %s guard without %s loses updates: the test of the guard can fail', async (guard, _what, preload) => {
  const lost = await without(guard, preload, async (world) => {
    for (let round = 0; round < 10; round++) {
      const { balance, chain } = await chargeAtOnce(world);
      if (balance < 151_000) return chain;
    }
    return undefined;
  });
  expect(lost).toMatchObject({ unbroken: false });
});

it.each(['pessimistic', 'redis-lock'])(
  'the %s guard needs no version check: its lock alone keeps every update',
  async (guard) => {
    const { balance, chain } = await without(guard, './without-version-check.ts', chargeAtOnce);
    expect(balance).toBe(151_000);
    expect(chain).toEqual({ entries: 301, unbroken: true, sum: 151_000 });
  },
);

it('without the version check and the index behind it one charge is cancelled twice: the test of the guard can fail', async () => {
  const cancelledTwice = await without('optimistic', './without-version-check.ts', async (world) => {
    let most = 0;
    for (let round = 0; round < 50 && most < 2; round++) {
      const [buyer] = (await world.buyers(1, 100_000)) as [Buyer];
      const { id } = await charge(buyer, 1_000);
      const answers = await Promise.all(world.urls.map((url) => cancelCharge(buyer.at(url), id)));
      most = Math.max(most, answers.filter(({ __typename }) => __typename === 'LedgerEntry').length);
    }
    return most;
  });
  expect(cancelledTwice).toBe(2);
});
