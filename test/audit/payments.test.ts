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

it("money in another wallet than the payment's user's is found", async () => {
  const { paid, cancelled } = sold;
  const other = `wallet_id = (select id from user_account where role = 'OPERATOR')`;
  for (const [kind, payment, name] of [
    ['PAYMENT', paid, 'payments-posted'],
    ['REFUND', cancelled, 'refunds-cancelled'],
  ] as const) {
    const broken = await auditAfter(`update entry set ${other} where payment_id = $1 and kind = '${kind}'`, [
      payment.id,
    ]);
    expect(broken[name]).toEqual([expect.stringMatching(`^payment ${payment.id}: `)]);
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
    'refunds-cancelled': [`payment ${paid.id}: CANCELLED of 1000, REFUND entries none`],
    'reservation-payments-once': [`reservation ${reservation}: CONFIRMED with 0 COMPLETED and 1 CANCELLED payments`],
  });
  const again = `insert into payment (id, user_id, reservation_id, amount, status)
    select gen_random_uuid(), user_id, reservation_id, amount, status from payment where id = $1`;
  expect((await auditAfter(again, [cancelled.id]))['reservation-payments-once']).toEqual([
    expect.stringMatching(/: CANCELLED with 0 COMPLETED and 2 CANCELLED payments$/),
  ]);
});
