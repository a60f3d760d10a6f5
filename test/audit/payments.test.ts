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

it('a payment twice for one reservation, for another amount, or without its entry is found', async () => {
  const { buyer, paid, reservation } = sold;
  const again = `insert into payment (id, user_id, reservation_id, amount, status) select gen_random_uuid(), user_id, reservation_id, 0, 'COMPLETED' from payment where id = $1`;
  expect(await auditAfter(again, [paid.id])).toEqual({
    'reservation-payments-once': [`reservation ${reservation}: CONFIRMED with 2 COMPLETED and 0 CANCELLED payments`],
    'reservation-payments-exact': [
      expect.stringMatching(/^payment \S+: 0 of user \S+ for reservation \S+, 1000 of user \S+$/),
    ],
  });
  expect(await auditAfter('update payment set amount = 900 where id = $1', [paid.id])).toEqual({
    'payments-posted': [`payment ${paid.id}: COMPLETED of 900, PAYMENT entries -1000`],
    'reservation-payments-exact': [
      `payment ${paid.id}: 900 of user ${buyer.id} for reservation ${reservation}, 1000 of user ${buyer.id}`,
    ],
  });
  expect(await auditAfter('delete from entry where payment_id = $1', [paid.id])).toMatchObject({
    'payments-posted': [`payment ${paid.id}: COMPLETED of 1000, PAYMENT entries none`],
  });
});

it('a refund whose entry is missing, or made twice, or of another amount, and an entry of no refund are found', async () => {
  const { cancelled, paid, buyer } = sold;
  const [{ id: refundId }] = (await world.pool.query('select id from refund')).rows;
  const none = await auditAfter(`delete from entry where payment_id = $1 and kind = 'REFUND'`, [cancelled.id]);
  const of = `refund ${refundId}: 1000 of payment ${cancelled.id}`;
  expect(none).toMatchObject({ 'refunds-posted': [`${of}, REFUND entries none`] });
  const refund = `insert into entry (id, wallet_id, seq, kind, amount, balance_before, balance_after, payment_id, refund_id)
    values (gen_random_uuid(), $1, 7, 'REFUND', 1000, 0, 1000, $2, $3)`;
  expect(await auditAfter(refund, [buyer.id, cancelled.id, refundId])).toMatchObject({
    'refunds-posted': [`${of}, REFUND entries 1000, 1000`],
  });
  expect(await auditAfter(refund, [buyer.id, paid.id, null])).toMatchObject({
    'refunds-posted': [`no refund of payment ${paid.id}, REFUND entries 1000`],
    'entries-have-cause': [expect.stringContaining(`REFUND of 1000 in wallet ${buyer.id}`)],
  });
  expect(await auditAfter(`update entry set amount = 999 where kind = 'REFUND'`)).toMatchObject({
    'refunds-posted': [`${of}, REFUND entries 999`],
  });
});

it('refunds that do not add up to what was given back, or to all of a cancelled payment, are found', async () => {
  const { cancelled, paid } = sold;
  const said = (id: string, text: string): object => ({ 'refunds-add-up': [`payment ${id}: ${text}`] });
  expect(await auditAfter('update payment set refunded = 10 where id = $1', [paid.id])).toMatchObject(
    said(paid.id, 'COMPLETED of 1000, 10 given back, 0 refunds of 0'),
  );
  expect(await auditAfter('update refund set amount = 1001')).toMatchObject(
    said(cancelled.id, 'CANCELLED of 1000, 1000 given back, 1 refunds of 1001'),
  );
  expect(await auditAfter('update refund set seq = 2')).toMatchObject(
    said(cancelled.id, 'CANCELLED of 1000, 1000 given back, 1 refunds of 1000'),
  );
  expect(await auditAfter('delete from refund')).toMatchObject(
    said(cancelled.id, 'CANCELLED of 1000, 1000 given back, 0 refunds of 0'),
  );
  expect(await auditAfter(`update payment set status = 'FAILED' where id = $1`, [cancelled.id])).toMatchObject(
    said(cancelled.id, 'FAILED of 1000, 1000 given back, 1 refunds of 1000'),
  );
});

it("money in another wallet than the payment's user's is found", async () => {
  const { paid, cancelled } = sold;
  const other = `wallet_id = (select id from user_account where role = 'OPERATOR')`;
  for (const [kind, payment, name] of [
    ['PAYMENT', paid, 'payments-posted'],
    ['REFUND', cancelled, 'refunds-posted'],
  ] as const) {
    const broken = await auditAfter(`update entry set ${other} where payment_id = $1 and kind = '${kind}'`, [
      payment.id,
    ]);
    expect(broken[name]).toEqual([expect.stringMatching(`payment ${payment.id}`)]);
  }
});

it('a payment of another user than what it is for, also for nothing, of what is not there, or of nothing is found', async () => {
  const { paid, reservation, buyer } = sold;
  const free = `with r as (update reservation set amount = 0 where id = $2), s as (update seat set price = 0),
    e as (delete from entry where payment_id = $1), p as (update payment set amount = 0, user_id = $3 where id = $1) select`;
  const moved = await auditAfter(free, [paid.id, reservation, operator.id]);
  expect(moved['reservation-payments-exact']).toContain(
    `payment ${paid.id}: 0 of user ${operator.id} for reservation ${reservation}, 0 of user ${buyer.id}`,
  );
  const gone = await auditAfter('update payment set reservation_id = gen_random_uuid() where id = $1', [paid.id]);
  expect(gone['reservation-payments-exact']).toEqual([expect.stringMatching(`^payment ${paid.id}: .* that is none$`)]);
  expect(gone['reservation-payments-once']).toEqual([expect.stringContaining(reservation)]);
  expect(await auditAfter('update payment set reservation_id = null where id = $1', [paid.id])).toMatchObject({
    'payments-for-one': [`payment ${paid.id}: for 0 things`],
  });
});

it('a payment that failed or was cancelled by hand, and one that was cancelled twice, are found', async () => {
  const { paid, cancelled, reservation } = sold;
  const failed = await auditAfter(`update payment set status = 'FAILED' where id = $1`, [paid.id]);
  expect(failed).toMatchObject({
    'payments-posted': [`payment ${paid.id}: FAILED of 1000, PAYMENT entries -1000`],
    'reservation-payments-once': [`reservation ${reservation}: CONFIRMED with 0 COMPLETED and 0 CANCELLED payments`],
  });
  const undone = await auditAfter(`update payment set status = 'CANCELLED' where id = $1`, [paid.id]);
  expect(undone).toMatchObject({
    'refunds-add-up': [`payment ${paid.id}: CANCELLED of 1000, 0 given back, 0 refunds of 0`],
    'reservation-payments-once': [`reservation ${reservation}: CONFIRMED with 0 COMPLETED and 1 CANCELLED payments`],
  });
  const again = `insert into payment (id, user_id, reservation_id, amount, status)
    select gen_random_uuid(), user_id, reservation_id, amount, status from payment where id = $1`;
  expect((await auditAfter(again, [cancelled.id]))['reservation-payments-once']).toEqual([
    expect.stringMatching(/: CANCELLED with 0 COMPLETED and 2 CANCELLED payments$/),
  ]);
});
