import { expect } from 'vitest';
import type { Data } from './client.ts';
import { ERRORS } from './shop-model-run.ts';
import type { ShopRun } from './shop-run.ts';
import { SHOP, type Step } from './shop-script.ts';

interface Row {
  readonly id: string;
  readonly status: string;
  readonly user: string;
}

interface Rows {
  readonly orders: (Row & { readonly lines: { readonly product: string; readonly quantity: number }[] })[];
  readonly reservations: Row[];
  readonly payments: (Row & { readonly payable: string; readonly amount: number })[];
  readonly wallets: { readonly user: string; readonly balance: number }[];
  readonly products: { readonly id: string; readonly stock: number | null }[];
  readonly issued: { readonly id: string; readonly coupon: string; readonly serial: number }[];
}

/** Whatever was asked at once: what the rows say is exactly what was answered, and nothing else happened. */
export async function expectBooksMatch(run: ShopRun): Promise<void> {
  expectSameUnderKeys(run);
  const rows = await readRows(run);
  expectPayments(run, rows);
  expectOrders(run, rows);
  expectReservations(run, rows);
  expectMoney(run, rows);
  expectStock(run, rows);
  expectCoupons(run, rows);
}

function expectSameUnderKeys({ answered }: ShopRun): void {
  const kept = answered.filter(
    ({ step, isKeyed, data }) => isKeyed && step.do !== 'misuse' && !ERRORS.includes(data.code),
  );
  for (const same of Map.groupBy(kept, ({ key }) => key).values()) {
    const answers = same.map(({ data }) => `${data.__typename} ${data.id ?? data.code}`);
    expect(new Set(answers).size, `answers under one key: ${answers}`).toBe(1);
  }
  for (const { step, data } of answered) {
    if (step.do === 'misuse') expect(data.code).toBe('IDEMPOTENCY_CONFLICT');
    expect(`${data.code}`).not.toMatch(/^(SERVICE_UNAVAILABLE|INTERNAL_SERVER_ERROR)$/);
    for (const { requested, available } of data.shortages ?? []) expect(requested).toBeGreaterThan(available);
  }
}

function expectPayments(run: ShopRun, { payments }: Rows): void {
  const made = payments.filter(({ status }) => status !== 'FAILED');
  const refunded = made.filter(({ status }) => status === 'CANCELLED');
  expect(idsOf(made)).toEqual(answeredIds(run, ['payOrder', 'payReservation'], 'Payment'));
  expect(idsOf(refunded)).toEqual(answeredIds(run, ['cancelPayment'], 'Payment'));
  const failed = run.answered.filter(({ data }) => /^(INSUFFICIENT_BALANCE|HOLD_EXPIRED)$/.test(data.code));
  expect(payments.length - made.length).toBe(new Set(failed.map(({ key }) => key)).size);
}

function expectOrders(run: ShopRun, { orders, payments }: Rows): void {
  expect(idsOf(orders)).toEqual(answeredIds(run, ['place'], 'Order'));
  const ended = endedIds(run, ['cancelOrder', 'lapseOrder'], 'CANCELLED');
  for (const { id, status } of orders) {
    const [paid, another] = paidFor(payments, id);
    expect(another, `second payment of ${id}`).toBeUndefined();
    expect(paid && ended.has(id), `${id} is paid and was told to be cancelled`).toBeFalsy();
    const open = ended.has(id) ? 'CANCELLED' : 'PLACED';
    expect(status).toBe(paid ? { COMPLETED: 'PAID', CANCELLED: 'PAYMENT_CANCELLED' }[paid.status] : open);
  }
}

function expectReservations(run: ShopRun, { reservations, payments }: Rows): void {
  expect(idsOf(reservations)).toEqual(answeredIds(run, ['reserve'], 'Reservation'));
  const released = endedIds(run, ['release'], 'RELEASED');
  const lapsed = endedIds(run, ['lapseHold', 'release'], 'EXPIRED');
  for (const { id, status } of reservations) {
    const [paid, another] = paidFor(payments, id);
    expect(another, `second payment of ${id}`).toBeUndefined();
    expect(paid && (released.has(id) || lapsed.has(id)), `${id} is paid and was told to be over`).toBeFalsy();
    const open = released.has(id) ? 'RELEASED' : lapsed.has(id) ? 'EXPIRED' : 'HELD';
    expect(status).toBe(paid ? { COMPLETED: 'CONFIRMED', CANCELLED: 'CANCELLED' }[paid.status] : open);
  }
}

function expectMoney(run: ShopRun, { wallets, payments }: Rows): void {
  for (const [user, { id }] of run.users.entries()) {
    const moved = run.answered.filter(({ data, owner }) => data.__typename === 'LedgerEntry' && owner === user);
    const charged = sum([...new Map(moved.map(({ data }) => [data.id, data.amount])).values()]);
    const spent = sum(
      payments.filter((one) => one.user === id && one.status === 'COMPLETED').map(({ amount }) => amount),
    );
    expect(wallets.find((wallet) => wallet.user === id)?.balance).toBe(SHOP.balance + charged - spent);
  }
}

function expectStock(run: ShopRun, { orders, products }: Rows): void {
  const added = new Map(
    run.answered.flatMap(({ step, key, data }) =>
      step.do === 'restock' && data.__typename === 'Product' ? [[key, step] as const] : [],
    ),
  );
  for (const [index, id] of run.products.entries()) {
    const began = SHOP.stocks[index] ?? null;
    const restocked = sum([...added.values()].filter(({ product }) => product === index).map((step) => step.quantity));
    const live = orders.filter(({ status }) => status === 'PLACED' || status === 'PAID');
    const taken = live.flatMap(({ lines }) => lines).filter(({ product }) => product === id);
    const left = began === null ? null : began + restocked - sum(taken.map(({ quantity }) => quantity));
    expect(products.find((product) => product.id === id)?.stock).toBe(left);
  }
}

function expectCoupons(run: ShopRun, { issued }: Rows): void {
  expect(idsOf(issued)).toEqual(answeredIds(run, ['claim'], 'IssuedCoupon'));
  for (const [index, id] of run.coupons.entries()) {
    const serials = issued.filter(({ coupon }) => coupon === id).map(({ serial }) => serial);
    expect(serials.sort()).toEqual(serials.map((_serial, place) => place + 1));
    expect(serials.length).toBeLessThanOrEqual(SHOP.coupons[index]?.quantity ?? 0);
  }
}

/** Ids of what steps of these kinds were answered, each once. */
function answeredIds({ answered }: ShopRun, kinds: readonly Step['do'][], type: string): string[] {
  const told = answered.filter(({ step, data }) => kinds.includes(step.do) && data.__typename === type);
  return [...new Set(told.map(({ data }) => data.id as string))].sort();
}

function endedIds({ answered }: ShopRun, kinds: readonly Step['do'][], status: string): Set<string> {
  const told = answered.filter(({ step, data }) => kinds.includes(step.do) && data.status === status);
  return new Set(told.map(({ data }) => data.id as string));
}

function paidFor(payments: Rows['payments'], payable: string): [paid?: Row, another?: Row] {
  const [paid, another] = payments.filter((one) => one.payable === payable && one.status !== 'FAILED');
  return [paid, another];
}

function idsOf(rows: readonly { readonly id: string }[]): string[] {
  return rows.map(({ id }) => id).sort();
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

async function readRows({ world, users, products, coupons }: ShopRun): Promise<Rows> {
  const mine = users.map(({ id }) => id);
  const { rows } = await world.pool.query<{ rows: Data }>(
    `select json_build_object(
       'orders', (select coalesce(json_agg(json_build_object('id', id, 'user', user_id, 'status', status, 'lines',
         (select json_agg(json_build_object('product', product_id, 'quantity', quantity)) from order_line where order_id = id)
       )), '[]') from shop_order where user_id = any($1)),
       'reservations', (select coalesce(json_agg(json_build_object('id', id, 'user', user_id, 'status', case
         when status = 'HELD' and expires_at <= clock_timestamp() then 'EXPIRED' else status end)), '[]')
         from reservation where user_id = any($1)),
       'payments', (select coalesce(json_agg(json_build_object('id', id, 'user', user_id, 'status', status, 'amount', amount,
         'payable', coalesce(order_id, reservation_id))), '[]') from payment where user_id = any($1)),
       'wallets', (select json_agg(json_build_object('user', user_id, 'balance', balance)) from wallet where user_id = any($1)),
       'products', (select json_agg(json_build_object('id', id, 'stock', stock)) from product where id = any($2)),
       'issued', (select coalesce(json_agg(json_build_object('id', id, 'coupon', coupon_id, 'serial', serial)), '[]')
         from issued_coupon where coupon_id = any($3))
     ) as rows`,
    [mine, products, coupons],
  );
  return rows[0]?.rows;
}
