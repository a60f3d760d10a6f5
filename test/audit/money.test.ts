import { randomUUID } from 'node:crypto';
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
  ['a number that is not that of the last entry', 'update wallet set seq = 9 where user_id = $1'],
])('%s is found, by its wallet', async (_what, text) => {
  const broken = await auditAfter(text, [sold.buyer.id]);
  expect(Object.keys(broken)).toEqual(['wallets-add-up']);
  expect(broken['wallets-add-up']).toEqual([
    expect.stringMatching(`^wallet ${sold.buyer.id}: balance -?\\d+ at number`),
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

it('an entry twice under its number breaks the chain and the sum', async () => {
  const again = `insert into entry (id, wallet_id, seq, kind, amount, balance_before, balance_after)
    select gen_random_uuid(), wallet_id, seq, kind, amount, balance_before, balance_after from entry where wallet_id = $1 and seq = 1`;
  expect(Object.keys(await auditAfter(again, [sold.buyer.id]))).toEqual(['wallets-add-up', 'entries-chained']);
});

/** Adds an entry as it would have to be, with the wallet's balance and number. */
function post(kind: string, amount: number, columns = '', values = ''): string {
  return `with w as (
      update wallet set balance = balance + ${amount}, seq = seq + 1 where user_id = $1 returning *
    ) insert into entry (id, wallet_id, seq, kind, amount, balance_before, balance_after${columns})
    select gen_random_uuid(), user_id, seq, '${kind}', ${amount}, balance - ${amount}, balance${values} from w`;
}

it.each([
  ['a REFUND of no payment', post('REFUND', 500), ': REFUND of 500 .*, payment none, cancels none$'],
  ['a PAYMENT of no payment', post('PAYMENT', -500), ': PAYMENT of -500 .*, payment none, cancels none$'],
  [
    'a REFUND of a payment that is none',
    post('REFUND', 500, ', payment_id', ', gen_random_uuid()'),
    ': REFUND of 500 .*, payment \\S+ that is none, cancels none$',
  ],
  [
    'a CHARGE of a payment',
    post('CHARGE', 500, ', payment_id', ', (select id from payment limit 1)'),
    ': CHARGE of 500 .*, payment \\S+, cancels none$',
  ],
  [
    'a CHARGE that cancels one',
    post('CHARGE', 500, ', cancels_id', `, (select id from entry where kind = 'CHARGE' limit 1)`),
    ': CHARGE of 500 .*, payment none, cancels \\S+$',
  ],
  ['a CHARGE that takes money', post('CHARGE', -500), ': CHARGE of -500 '],
  ['an EXPIRY that gives money', post('EXPIRY', 500), ': EXPIRY of 500 '],
  ['an EXPIRY that leaves some', post('EXPIRY', -500), ': EXPIRY of -500 in wallet \\S+ to 3500, '],
  ['an entry of nothing', post('CHARGE', 0), ': CHARGE of 0 '],
  ['a kind of entry that is none', post('GIFT', 500), ': GIFT of 500 '],
])('%s is found, however well the wallet adds up', async (_what, text, said) => {
  const { 'refunds-posted': _ofNoRefund, ...broken } = await auditAfter(text, [sold.buyer.id]);
  expect(broken).toEqual({ 'entries-have-cause': [expect.stringMatching(`^entry \\S+${said}`)] });
});

it.each([
  ['cancels nothing', '', ''],
  ['cancels what is no CHARGE', ', cancels_id', `, (select id from entry where kind = 'REFUND')`],
  ['cancels a charge of another amount', ', cancels_id', `, (select id from entry where wallet_id = $1 and seq = 1)`],
  ['cancels a charge again', ', cancels_id', `, (select id from entry where wallet_id = $1 and seq = 2)`],
])('a CHARGE_CANCEL that %s is found', async (_what, columns, values) => {
  const broken = await auditAfter(post('CHARGE_CANCEL', -700, columns, values), [sold.buyer.id]);
  expect(broken['charges-cancelled-once']?.length).toBeGreaterThan(0);
  expect(broken['charges-cancelled-once']).toContainEqual(expect.stringMatching(/^entry \S+: cancels \S+$/));
});

it('a CHARGE_CANCEL of the charge of another wallet is found', async () => {
  const change = `update entry set wallet_id = (select id from user_account where role = 'OPERATOR'), seq = 1 where wallet_id = $1 and kind = 'CHARGE_CANCEL'`;
  const broken = await auditAfter(change, [sold.buyer.id]);
  expect(broken['charges-cancelled-once']).toEqual([expect.stringMatching(/^entry \S+: cancels \S+$/)]);
});

it('entries of a wallet that is none, and a wallet that is gone, are found', async () => {
  const none = `insert into entry (id, wallet_id, seq, kind, amount, balance_before, balance_after)
    values (gen_random_uuid(), $1, 1, 'CHARGE', 100, 0, 100)`;
  const id = randomUUID();
  expect(await auditAfter(none, [id])).toEqual({ 'wallets-add-up': [`wallet ${id}: there is none, 1 entries of 100`] });
  expect(await auditAfter('delete from wallet where user_id = $1', [sold.buyer.id])).toEqual({
    'wallets-add-up': [`wallet ${sold.buyer.id}: there is none, 6 entries of 4000`],
  });
});

it('a charge that was cancelled for more than it was is found', async () => {
  const change = `update entry set cancels_id = (select id from entry where wallet_id = $1 and seq = 1) where wallet_id = $1 and kind = 'CHARGE_CANCEL'`;
  const broken = await auditAfter(change, [sold.buyer.id]);
  expect(broken).toEqual({ 'charges-cancelled-once': [expect.stringMatching(/^entry \S+: cancels \S+$/)] });
});
