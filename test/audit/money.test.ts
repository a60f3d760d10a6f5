import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeBreakable, whileBroken } from '../support/broken-rows.ts';
import { violationsOf } from '../support/builders.ts';
import type { Buyer } from '../support/client.ts';
import { type Sold, sellSome } from '../support/sold.ts';
import { World } from '../support/world.ts';

let world: World;
let operator: Buyer;
let sold: Sold;
beforeAll(async () => {
  world = await World.open({ processes: 1 });
  operator = await world.operator();
  sold = await sellSome(world, operator);
  await makeBreakable(world.pool);
});
afterAll(() => world.close());

/** What the audit says of rows that one statement has broken. */
function auditAfter(text: string, params: unknown[] = []): Promise<Record<string, string[]>> {
  return whileBroken(world.pool, text, params, () => violationsOf(operator));
}

it.each([
  ['a balance that entries do not explain', 'update wallet set balance = balance + 1 where user_id = $1'],
  ['a balance below 0', 'update wallet set balance = -1 where user_id = $1'],
  ['a version that is not the number of entries', 'update wallet set version = 9 where user_id = $1'],
])('%s is found, by its wallet', async (_what, text) => {
  const broken = await auditAfter(text, [sold.buyer.id]);
  expect(Object.keys(broken)).toEqual(['wallets-add-up']);
  expect(broken['wallets-add-up']).toEqual([
    expect.stringMatching(`^wallet ${sold.buyer.id}: balance -?\\d+ at version`),
  ]);
});

it.each([
  ['that does not begin where the one before ended', 'balance_before = balance_before + 1, amount = amount - 1'],
  ['that does not add up', 'balance_after = balance_after + 1'],
  ['whose number is another', 'seq = seq + 100'],
])('an entry %s breaks the chain, and is named', async (_what, change) => {
  const last = '(select id from entry where wallet_id = $1 order by seq desc limit 1)';
  const { rows } = await world.pool.query<{ id: string }>(last.slice(1, -1), [sold.buyer.id]);
  const broken = await auditAfter(`update entry set ${change} where id = ${last}`, [sold.buyer.id]);
  expect(broken['entries-chained']).toEqual([expect.stringMatching(`^entry ${rows[0]?.id}: `)]);
});

it('an entry that is missing from the middle breaks the chain and the sum', async () => {
  const broken = await auditAfter('delete from entry where wallet_id = $1 and seq = 2', [sold.buyer.id]);
  expect(Object.keys(broken)).toEqual(['wallets-add-up', 'entries-chained', 'charges-cancelled-once']);
});

it('a charge that was cancelled for more than it was is found', async () => {
  const change = `update entry set cancels_id = (select id from entry where wallet_id = $1 and seq = 1) where wallet_id = $1 and kind = 'CHARGE_CANCEL'`;
  const broken = await auditAfter(change, [sold.buyer.id]);
  expect(broken).toEqual({ 'charges-cancelled-once': [expect.stringMatching(/^entry \S+: cancels \S+$/)] });
});

it('a payment twice for one reservation, for another amount, or without its entry is found', async () => {
  const { paid, reservation } = sold;
  const again = `insert into payment (id, user_id, reservation_id, amount, status) select gen_random_uuid(), user_id, reservation_id, 0, 'COMPLETED' from payment where id = $1`;
  expect(await auditAfter(again, [paid.id])).toEqual({
    'reservation-payments-once': [`reservation ${reservation}: CONFIRMED with 2 COMPLETED and 0 CANCELLED payments`],
    'reservation-payments-exact': [expect.stringMatching(/^payment \S+: 0 for a reservation of 1000$/)],
  });
  expect(await auditAfter('update payment set amount = 900 where id = $1', [paid.id])).toEqual({
    'payments-posted': [`payment ${paid.id}: COMPLETED of 900, PAYMENT entries -1000`],
    'reservation-payments-exact': [`payment ${paid.id}: 900 for a reservation of 1000`],
  });
  expect(await auditAfter('delete from entry where payment_id = $1', [paid.id])).toMatchObject({
    'payments-posted': [`payment ${paid.id}: COMPLETED of 1000, PAYMENT entries none`],
  });
});

it('a refund that is missing, or made twice, or of a payment that stands is found', async () => {
  const { cancelled, paid, buyer } = sold;
  const none = await auditAfter(`delete from entry where payment_id = $1 and kind = 'REFUND'`, [cancelled.id]);
  expect(none).toMatchObject({
    'refunds-cancelled': [`payment ${cancelled.id}: CANCELLED of 1000, REFUND entries none`],
  });
  const refund = `insert into entry (id, wallet_id, seq, kind, amount, balance_before, balance_after, payment_id) values (gen_random_uuid(), $1, 7, 'REFUND', 1000, 0, 1000, $2)`;
  expect(await auditAfter(refund, [buyer.id, cancelled.id])).toMatchObject({
    'refunds-cancelled': [`payment ${cancelled.id}: CANCELLED of 1000, REFUND entries 1000, 1000`],
  });
  expect(await auditAfter(refund, [buyer.id, paid.id])).toMatchObject({
    'refunds-cancelled': [`payment ${paid.id}: COMPLETED of 1000, REFUND entries 1000`],
  });
});
