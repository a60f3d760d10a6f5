import { afterEach, expect, it } from 'vitest';
import { balanceOf } from '../support/builders.ts';
import { askBeyondLimit, askToCharge, notify, paid, WITH_PROVIDER } from '../support/charges.ts';
import type { Buyer } from '../support/client.ts';
import { World } from '../support/world.ts';

let world: World;
afterEach(() => world.close());

/** Two processes with guards switched off, and PostgreSQL's own last guards too. */
async function open(preload: string, ...changes: string[]): Promise<void> {
  world = await World.open({ env: WITH_PROVIDER, preload });
  for (const change of changes) await world.pool.query(change);
}

it('without their locks one charge is completed twice at once: the test of the guard can fail', async () => {
  await open(
    './without-charge-locks.ts',
    'alter table pending_charge drop constraint pending_charge_payment_once',
    'drop trigger pending_charge_completes_once on pending_charge',
    'alter table entry drop constraint entry_chain',
  );
  let entries = 0;
  for (let round = 0; round < 50 && entries < 2; round++) {
    const buyer = await world.buyer();
    const charge = await askToCharge(buyer, 100);
    await Promise.all(world.urls.map((url) => notify(url, paid(charge))));
    const { rows } = await world.pool.query('select count(*)::int as n from entry where wallet_id = $1', [buyer.id]);
    entries = rows[0].n;
  }
  expect(entries).toBe(2);
});

it('without the lock of the payment it completes two charges at once: the test of the guard can fail', async () => {
  await open('./without-limit-lock.ts', 'alter table pending_charge drop constraint pending_charge_payment_once');
  let total = 0;
  for (let round = 0; round < 50 && total < 200; round++) {
    const buyers = (await world.buyers(2)) as [Buyer, Buyer];
    const charges = await Promise.all(buyers.map((buyer) => askToCharge(buyer, 100)));
    await Promise.all(
      charges.map((charge, index) =>
        notify(world.urls[index] as string, paid(charge, { paymentId: `payment-${round}` })),
      ),
    );
    total = (await balanceOf(buyers[0])) + (await balanceOf(buyers[1]));
  }
  expect(total).toBe(200);
});

it('without the lock of the charges of a user more than 50 may still be paid: the test of the guard can fail', async () => {
  await open('./without-limit-lock.ts');
  let most = 0;
  for (let round = 0; round < 50 && most <= 50; round++) most = (await askBeyondLimit(world)).pending;
  expect(most).toBeGreaterThan(50);
});
