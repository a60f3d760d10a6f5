import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  admit,
  charge,
  enter,
  eventually,
  makeQueue,
  makeShow,
  pay,
  refundPayment,
  reserve,
  violationsOf,
} from '../support/builders.ts';
import { WITH_PROVIDER } from '../support/charges.ts';
import type { Buyer, Data } from '../support/client.ts';
import { readStream } from '../support/events.ts';
import { line, statsOf, until } from '../support/places.ts';
import { sentBy, stepsOf } from '../support/plans.ts';
import { deleteAccount, newcomer, setRole } from '../support/sessions.ts';
import { makeProduct, payOrder, placeOrder } from '../support/shop.ts';
import { whileLocked } from '../support/while-locked.ts';
import { World } from '../support/world.ts';

let world: World;
let here: string;
let there: string;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  [here, there] = world.urls as [string, string];
  operator = await world.operator();
});
afterAll(() => world.close());

const UNKNOWN = '00000000-0000-7000-8000-000000000000';

describe('setRole', () => {
  it('makes a user an operator and a buyer again: who signs in has the role', async () => {
    const user = await newcomer(here);
    for (const role of ['OPERATOR', 'BUYER'] as const) {
      expect(await setRole(operator, user.id, role)).toEqual({ __typename: 'User', id: user.id, role });
      expect(await user.elsewhere(there).enter('signIn')).toMatchObject({ user: { role } });
    }
  });

  it('that the user has already ends no session', async () => {
    const user = await newcomer(here);
    await setRole(operator, user.id, 'BUYER');
    expect(await user.state()).toBe('signed in');
  });

  it('does not take the role from the last operator', async () => {
    expect(await setRole(operator, operator.id, 'BUYER')).toEqual({ __typename: 'Refusal', code: 'LAST_OPERATOR' });
    expect(await deleteAccount(operator)).toEqual({ __typename: 'Refusal', code: 'LAST_OPERATOR' });
    expect((await operator.get('{ me { role deletedAt } }')).me).toEqual({ role: 'OPERATOR', deletedAt: null });
  });

  it('is NOT_FOUND for a user that there is not, and BAD_USER_INPUT for what is no id', async () => {
    const query = 'mutation ($id: ID!) { setRole(input: { userId: $id, role: OPERATOR }) { __typename } }';
    expect(await operator.fail(query, { id: UNKNOWN })).toBe('NOT_FOUND');
    expect(await operator.fail(query, { id: 'somebody' })).toBe('BAD_USER_INPUT');
  });
});

describe('deleteMyAccount', () => {
  it('takes the name and the password away; ids, the ledger and what was bought stay', async () => {
    const user = await newcomer(here, { remember: true });
    const show = await makeShow(operator);
    await charge(user.buyer, 1_000);
    const [seat = ''] = show.seats;
    const payment = await pay(user.buyer, (await reserve(user.buyer, show.id, [seat])).id);
    await world.pool.query(
      `update show set starts_at = now() - interval '1 day', sales_open_at = now() - interval '3 days',
      sales_close_at = now() - interval '2 days' where id = $1`,
      [show.id],
    );
    const ledger = async () =>
      (await world.pool.query('select * from entry where wallet_id = $1 order by seq', [user.id])).rows;
    const before = await ledger();
    expect(before).toHaveLength(2);

    const { data } = await user.asUser('mutation { deleteMyAccount { ... on User { id name role deletedAt } } }');
    expect(data.deleteMyAccount).toEqual({
      ...{ id: user.id, name: `deleted-${user.id}`, role: 'BUYER' },
      deletedAt: expect.any(String),
    });
    expect(user.cookie).toBe('');
    expect(await ledger()).toEqual(before);
    const query = `{ user(id: "${user.id}") { name payments { edges { node { id } } } } users(search: "${user.name}") { edges { node { id } } } }`;
    expect(await operator.get(query)).toEqual({
      user: { name: `deleted-${user.id}`, payments: { edges: [{ node: { id: payment.id } }] } },
      users: { edges: [] },
    });
    const { rows } = await world.pool.query('select password_hash, issuer from user_account where id = $1', [user.id]);
    expect(rows).toEqual([{ password_hash: null, issuer: null }]);
    expect(await user.elsewhere().enter('signIn')).toEqual({ __typename: 'Refusal', code: 'INVALID_CREDENTIALS' });
    expect(await violationsOf(operator)).toEqual({});
  });

  it('leaves the name to the next who signs up, who is somebody else', async () => {
    const user = await newcomer(here);
    await deleteAccount(user.buyer);
    const next = user.elsewhere(there);
    expect(await next.enter('signUp')).toMatchObject({ __typename: 'Session' });
    expect(next.id).not.toBe(user.id);
  });

  it('is refused with money, live holds, unpaid orders, tickets of shows to come and open charges, and names them', async () => {
    const user = await newcomer(here);
    const [show, productId] = [await makeShow(operator), await makeProduct(operator, { stock: 5, price: 100 })];
    await charge(user.buyer, 5_000);
    const [first = '', second = ''] = show.seats;
    const paid = await reserve(user.buyer, show.id, [first]);
    await pay(user.buyer, paid.id);
    const held = await reserve(user.buyer, show.id, [second]);
    const order = await placeOrder(user.buyer, { [productId]: 1 });
    const { url } = await world.startProcess(WITH_PROVIDER);
    await charge(user.buyer.at(url), 700);
    const idsIn = async (text: string, id: string) =>
      (await world.pool.query(text, [id])).rows.map((row: Data) => row.id);
    expect(await deleteAccount(user.buyer)).toEqual({
      __typename: 'AccountInUse',
      code: 'ACCOUNT_IN_USE',
      balance: 5_000 - paid.amount,
      chargeIds: await idsIn('select id from pending_charge where user_id = $1', user.id),
      reservationIds: [held.id],
      orderIds: [order.id],
      ticketIds: await idsIn('select id from ticket where reservation_id = $1', paid.id),
    });
    expect(await user.state()).toBe('signed in');
    expect((await user.buyer.get('{ me { name deletedAt } }')).me).toEqual({ name: user.name, deletedAt: null });
  });

  it('names at most 100 of what the account has of one sort', async () => {
    const user = await newcomer(here);
    await world.pool.query(
      `insert into pending_charge (id, user_id, reference, amount, status, expires_at)
       select gen_random_uuid(), $1, $1::uuid || '-' || number, 1, 'PENDING', now() + interval '1 day'
       from generate_series(1, 150) number`,
      [user.id],
    );
    const refused = await deleteAccount(user.buyer);
    expect(refused).toMatchObject({ code: 'ACCOUNT_IN_USE', balance: 0, reservationIds: [], ticketIds: [] });
    expect(new Set(refused.chargeIds).size).toBe(100);
  });

  it('of a buyer reads no operators; of an operator it does', async () => {
    const observed = await world.startProcess({}, './tell-statements.ts');
    const [user, other] = [await newcomer(observed.url), await newcomer(observed.url)];
    await setRole(operator, other.id, 'OPERATOR');
    await other.enter('signIn');
    const reads = `from user_account where role = 'OPERATOR'`;
    expect(await deleteAccount(user.buyer)).toMatchObject({ id: user.id });
    // Statements are told in the order in which they are sent: once a later one is known, all before it are.
    await other.buyer.get('{ myCoupons { id } }');
    await sentBy(observed, 'from "issued_coupon"');
    expect(JSON.stringify(observed.messages)).not.toContain(reads);
    expect(await deleteAccount(other.buyer)).toMatchObject({ id: other.id });
    expect((await stepsOf(world.pool, await sentBy(observed, reads))).length).toBeGreaterThan(0);
  });

  it('waits for no lock of the operators unless an operator asks', async () => {
    const [user, other] = [await newcomer(here), await newcomer(here)];
    await setRole(operator, other.id, 'OPERATOR');
    await other.enter('signIn');
    const lock = { text: `select pg_advisory_xact_lock(hashtextextended('operators', 0))` };
    await whileLocked(world.pool, lock, async () => {
      expect(await deleteAccount(user.buyer)).toMatchObject({ id: user.id });
      await expect(deleteAccount(other.buyer.hasty())).rejects.toThrow('SERVICE_UNAVAILABLE');
    });
    expect(await deleteAccount(other.buyer)).toMatchObject({ id: other.id });
  });

  it('leaves the queues, waiting or admitted, and takes nobody else out of them', async () => {
    const [user, other] = [await newcomer(here), await newcomer(there)];
    const [admitting, full] = [await makeQueue(operator, { capacity: 5 }), await makeQueue(operator, { capacity: 1 })];
    await admit(other.buyer, full);
    const waiting = await line([other.buyer, user.buyer], admitting);
    for (const place of waiting) await until(place, 'ACTIVE');
    await enter(user.buyer, full);
    expect(await deleteAccount(user.buyer)).toMatchObject({ id: user.id });
    expect(await statsOf(operator, admitting)).toMatchObject({ active: 1, waiting: 0, left: 1, expired: 0 });
    expect(await statsOf(operator, full)).toMatchObject({ active: 1, waiting: 0, left: 1, expired: 0 });
  });

  it('is told to other systems', async () => {
    const user = await newcomer(here);
    await deleteAccount(user.buyer);
    await eventually(async () =>
      (await readStream(world.redis)).some(({ type, subject }) => type === 'user.deleted.v1' && subject === user.id),
    );
  });
});

describe('exportMyData', () => {
  it('has all that is kept about the caller, nothing of others, and no secret', async () => {
    const [user, other] = [await newcomer(here, { remember: true }), await newcomer(here)];
    const show = await makeShow(operator);
    const productId = await makeProduct(operator, { stock: 5, price: 100 });
    const kept: string[] = [];
    for (const { buyer } of [user, other]) {
      await charge(buyer, 5_000);
      const seat = show.seats[kept.length] as string;
      const reservation = await reserve(buyer, show.id, [seat]);
      const payment = await pay(buyer, reservation.id);
      const order = await placeOrder(buyer, { [productId]: 2 });
      const paid = await payOrder(buyer, order.id);
      await refundPayment(buyer, paid.id, { lines: [{ lineNo: 1, quantity: 1 }] });
      kept.push([buyer.id, reservation.id, payment.id, order.id, paid.id].join());
    }
    const { exportMyData } = await user.buyer.get('{ exportMyData }');
    const counts = Object.fromEntries(Object.entries(exportMyData).map(([part, rows]) => [part, (rows as []).length]));
    expect(counts).toEqual({
      ...{ account: 1, sessions: 1, wallet: 1, entries: 4, charges: 0, reservations: 1, tickets: 1, orders: 1 },
      ...{ orderLines: 1, payments: 2, refunds: 1, refundLines: 1, coupons: 0, priorityCodes: 0 },
    });
    const text = JSON.stringify(exportMyData);
    const [own = '', others = ''] = kept;
    for (const id of own.split(',')) expect(text).toContain(id);
    for (const id of others.split(',')) expect(text).not.toContain(id);
    expect(exportMyData.account[0]).toMatchObject({ id: user.id, name: user.name, role: 'BUYER' });
    expect(exportMyData.sessions[0]).toMatchObject({ isRemembered: true, endedAt: null });
    expect(text).not.toMatch(/argon2|passwordHash|cookie|series/i);
  });

  it('knows every table with rows of users: holds are those of reservations, and keys and exports of operators are no data of theirs', async () => {
    const { rows } = await world.pool.query<{ name: string }>(
      `select distinct table_name as name from information_schema.columns
       where table_schema = 'public' and column_name in ('user_id', 'wallet_id') order by 1`,
    );
    expect(rows.map(({ name }) => name)).toEqual([
      ...['entry', 'hold', 'idempotency_key', 'issued_coupon', 'payment', 'pending_charge', 'priority_code'],
      ...['reservation', 'sales_export', 'session', 'shop_order', 'ticket', 'wallet'],
    ]);
  });
});

describe('forgetting', () => {
  it('deletes sessions a day after they are over, ended ones after two hours, and no other', async () => {
    const [old, ended, young] = [await newcomer(here), await newcomer(here), await newcomer(here)];
    await world.pool.query(`update session set lasts_until = now() - interval '25 hours' where user_id = $1`, [old.id]);
    const end = `update session set ended_at = now() - make_interval(mins => $2) where user_id = $1`;
    await world.pool.query(end, [ended.id, 121]);
    await world.pool.query(end, [young.id, 110]);
    await world.startProcess({}, './hurry-jobs.ts');
    const left = async (id: string) =>
      (await world.pool.query('select from session where user_id = $1', [id])).rowCount;
    await eventually(async () => (await left(old.id)) === 0 && (await left(ended.id)) === 0);
    expect(await left(young.id)).toBe(1);
  });
});
