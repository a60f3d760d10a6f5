import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeChannel, raisedAt } from '../support/alerts.ts';
import { balanceOf, eventually, violationsOf } from '../support/builders.ts';
import {
  askBeyondLimit,
  askToCharge,
  chargeWallet,
  failed,
  NEW_SECRET,
  notify,
  OLD_SECRET,
  paid,
  readCharge,
  WITH_PROVIDER,
} from '../support/charges.ts';
import { type Buyer, type Data, post } from '../support/client.ts';
import { chainOf } from '../support/ledger.ts';
import { Receiver } from '../support/receiver.ts';
import { deleteAccount, newcomer } from '../support/sessions.ts';
import { World } from '../support/world.ts';

let world: World;
let receiver: Receiver;
let operator: Buyer;
beforeAll(async () => {
  receiver = await Receiver.open();
  world = await World.open({ env: { ...WITH_PROVIDER, ...receiver.env, BALANCE_LIMIT: '1000000' } });
  operator = await world.operator();
  await makeChannel(operator, receiver.url('/alerts'));
});
afterAll(async () => {
  await world.close();
  await receiver.close();
});

const url = (index = 0): string => world.urls[index % world.urls.length] as string;
const MINUTES = 60_000;

/** Lets the 24 hours of a charge be over. */
async function age({ id }: Data): Promise<void> {
  await world.pool.query(`update pending_charge set expires_at = expires_at - interval '24 hours' where id = $1`, [id]);
}

/** What the first process has logged of a request. */
function linesOf(requestId: string): string[] {
  const log = world.processes[0]?.log() ?? '';
  return log.split('\n').filter((line) => line.includes(requestId));
}

/** Everything that a notice could change. */
async function everything(): Promise<unknown> {
  const { rows } = await world.pool.query(
    `select (select json_agg(c order by id) from pending_charge c) as charges,
       (select json_agg(w order by user_id) from wallet w) as wallets, (select count(*) from entry) as entries,
       (select count(*) from outbox) as events`,
  );
  return rows[0];
}

it('settings say that a provider completes charges', async () => {
  const { data } = await post(url(), '{ settings { charges } }');
  expect(data).toEqual({ settings: { charges: 'PROVIDER' } });
});

it('charge answers a PendingCharge for 24 hours that moves no money, the same for the same key; BALANCE_LIMIT refuses', async () => {
  const buyer = await world.buyer(10);
  const charge = await askToCharge(buyer, 5_000, 'k');
  expect(charge).toMatchObject({ __typename: 'PendingCharge', amount: 5_000, status: 'PENDING', entry: null });
  expect(charge.reference).toMatch(/^chg_[\w-]{20}$/);
  expect(Date.parse(charge.expiresAt) - Date.parse(charge.createdAt)).toBe(24 * 60 * MINUTES);
  expect(await askToCharge(buyer.at(url(1)), 5_000, 'k')).toEqual(charge);
  expect(await askToCharge(buyer, 6_000, 'k')).toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' });
  expect(await askToCharge(buyer, 999_991)).toMatchObject({ code: 'BALANCE_LIMIT' });
  expect(await balanceOf(buyer)).toBe(10);
});

it('at most 50 charges of a user may still be paid: of more at once each is RATE_LIMITED until the first expires', async () => {
  const { pending, errors } = await askBeyondLimit(world);
  expect(pending).toBe(50);
  expect(errors).toHaveLength(7);
  for (const { extensions } of errors) {
    expect(extensions.code).toBe('RATE_LIMITED');
    expect(extensions.retryAfterMs).toBeGreaterThan(50 * MINUTES);
    expect(extensions.retryAfterMs).toBeLessThanOrEqual(60 * MINUTES);
  }
});

it('a charge that is over no longer counts for that limit, and its key is free', async () => {
  const buyer = await world.buyer();
  const charges: Data[] = [];
  for (let i = 0; i < 50; i++) charges.push(await askToCharge(buyer, 1));
  expect(await buyer.fail('mutation { charge(input: { amount: 1, idempotencyKey: "k" }) { __typename } }')).toBe(
    'RATE_LIMITED',
  );
  await age(charges[0]);
  expect(await askToCharge(buyer, 1, 'k')).toMatchObject({ __typename: 'PendingCharge', status: 'PENDING' });
});

it('charge(id) is told to its owner and to operators, and null to everybody else', async () => {
  const [buyer, other] = (await world.buyers(2)) as [Buyer, Buyer];
  const { id } = await askToCharge(buyer, 5_000);
  expect(await readCharge(buyer, id)).toMatchObject({ id, status: 'PENDING' });
  expect(await readCharge(operator, id)).toMatchObject({ id, status: 'PENDING' });
  expect([await readCharge(other, id), await readCharge(buyer, randomUUID())]).toEqual([null, null]);
  expect(await buyer.fail('{ charge(id: "x") { id } }')).toBe('BAD_USER_INPUT');
});

it('a wallet has the charges that wait for money, newest first, and no others, to its owner and to operators', async () => {
  const buyer = await world.buyer();
  const [over, gone, first, second] = [
    await askToCharge(buyer, 1),
    await askToCharge(buyer, 2),
    await askToCharge(buyer, 3),
    await askToCharge(buyer, 4),
  ];
  await age(over);
  await notify(url(), failed(gone));
  const waiting = [{ id: second.id }, { id: first.id }];
  expect(await buyer.get('{ wallet { pendingCharges { id } } }')).toEqual({ wallet: { pendingCharges: waiting } });
  const ofUser = '($id: ID!) { user(id: $id) { wallet { pendingCharges { id } } } }';
  expect(await operator.get(`query ${ofUser}`, { id: buyer.id })).toEqual({
    user: { wallet: { pendingCharges: waiting } },
  });
  const other = await world.buyer();
  expect(await other.get('{ wallet { pendingCharges { id } } }')).toEqual({ wallet: { pendingCharges: [] } });
});

it('a notice that it was paid completes it, with an entry; sent 20 times at once over two processes, once', async () => {
  const buyer = await world.buyer();
  const charge = await askToCharge(buyer, 5_000);
  const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => notify(url(index), paid(charge))));
  expect(answers).toMatchObject(answers.map(() => ({ status: 200, body: { status: 'COMPLETED' } })));
  expect(await readCharge(buyer, charge.id)).toMatchObject({
    status: 'COMPLETED',
    entry: { kind: 'CHARGE', amount: 5_000, balanceAfter: 5_000 },
  });
  expect(await chainOf(world.pool, buyer.id)).toEqual({ entries: 1, unbroken: true, sum: 5_000 });
  expect(await askToCharge(buyer, 5_000), 'another key is another charge').toMatchObject({ status: 'PENDING' });
  const { rows } = await world.pool.query('select type from outbox where aggregate = $1 order by sequence', [
    charge.id,
  ]);
  expect(rows.map(({ type }) => type)).toEqual(['charge.pending.v1', 'charge.completed.v1']);
});

describe('in whatever order notices come, and however late,', () => {
  it('a failure after the money changes nothing, and money after a failure completes the charge', async () => {
    const buyer = await world.buyer();
    const [first, second] = [await askToCharge(buyer, 100), await askToCharge(buyer, 20)];
    await notify(url(), paid(first));
    expect((await notify(url(), failed(first))).body).toEqual({ status: 'COMPLETED' });
    expect((await notify(url(), failed(second))).body).toEqual({ status: 'FAILED' });
    expect(await readCharge(buyer, second.id)).toMatchObject({ status: 'FAILED', entry: null });
    expect(await balanceOf(buyer)).toBe(100);
    expect((await notify(url(1), paid(second))).body).toEqual({ status: 'COMPLETED' });
    expect(await readCharge(buyer, first.id)).toMatchObject({ status: 'COMPLETED' });
    expect(await balanceOf(buyer)).toBe(120);
  });

  it('a charge is EXPIRED after 24 hours, whether or not the job has noted it, and completed when money comes', async () => {
    const buyer = await world.buyer();
    const charge = await askToCharge(buyer, 100);
    await age(charge);
    expect(await readCharge(buyer, charge.id)).toMatchObject({ status: 'EXPIRED' });
    expect((await notify(url(), failed(charge))).body).toEqual({ status: 'EXPIRED' });
    expect((await notify(url(), paid(charge))).body).toEqual({ status: 'COMPLETED' });
    expect(await balanceOf(buyer)).toBe(100);
  });

  it('money that came is there beyond BALANCE_LIMIT too', async () => {
    const buyer = await world.buyer();
    const charges = [await askToCharge(buyer, 600_000), await askToCharge(buyer, 600_000)];
    for (const charge of charges) expect((await notify(url(), paid(charge))).body).toEqual({ status: 'COMPLETED' });
    expect(await balanceOf(buyer)).toBe(1_200_000);
  });
});

describe('money that does not fit is not applied, and operators are alerted:', () => {
  const alerted: string[] = [];

  it.each([
    ['another amount', { amount: 4_999 }],
    ['another currency', { currency: 'USD' }],
  ])('%s', async (_what, data) => {
    const buyer = await world.buyer();
    const charge = await askToCharge(buyer, 5_000);
    expect(await notify(url(), paid(charge, data))).toMatchObject({ status: 200, body: { status: 'WRONG_AMOUNT' } });
    expect(await readCharge(buyer, charge.id)).toMatchObject({ status: 'PENDING', entry: null });
    expect(await balanceOf(buyer)).toBe(0);
    alerted.push(charge.id);
    expect((await notify(url(), paid(charge))).body, 'the right money still completes it').toEqual({
      status: 'COMPLETED',
    });
  });

  it('a second payment of one charge, and a payment that has completed another one', async () => {
    const buyer = await world.buyer();
    const [one, other] = [await askToCharge(buyer, 100), await askToCharge(buyer, 100)];
    await notify(url(), paid(one, { paymentId: 'first' }));
    expect((await notify(url(), paid(one, { paymentId: 'second' }))).body).toEqual({ status: 'PAID_TWICE' });
    expect((await notify(url(), paid(other, { paymentId: 'first' }))).body).toEqual({ status: 'PAYMENT_USED' });
    expect(await balanceOf(buyer)).toBe(100);
    alerted.push(one.id, other.id);
  });

  it('money for a deleted account, which is applied all the same, and told of again when the notice comes again', async () => {
    const user = await newcomer(url());
    const charge = await askToCharge(user.buyer, 100);
    await age(charge);
    expect(await deleteAccount(user.buyer)).toMatchObject({ __typename: 'User' });
    for (const at of [url(), url(1)]) {
      expect(await notify(at, paid(charge))).toMatchObject({ status: 200, body: { status: 'ACCOUNT_DELETED' } });
    }
    expect(await chainOf(world.pool, user.id)).toEqual({ entries: 1, unbroken: true, sum: 100 });
    expect(await readCharge(operator, charge.id)).toMatchObject({ status: 'COMPLETED', entry: { amount: 100 } });
    alerted.push(`${charge.id} was applied, but came for a deleted account`);
  });

  it('a reference that there is not, and a signed notice that cannot be read', async () => {
    const before = await everything();
    expect((await notify(url(), paid({ reference: 'chg_none', amount: 1 }))).status).toBe(404);
    const charge = { reference: 'chg_none', amount: '100' };
    for (const message of [paid(charge), { type: 'charge.completed' }, 'no json', '[]', '']) {
      expect((await notify(url(), message)).status).toBe(400);
    }
    expect(await notify(url(), { type: 'refund.created', data: {} })).toMatchObject({
      status: 200,
      body: { status: 'IGNORED' },
    });
    expect(await everything()).toEqual(before);
    alerted.push('names an unknown charge', 'cannot be read');
  });

  it('each of these was an alert, by the id of its charge', async () => {
    const raised = (): string => raisedAt(receiver, '/alerts', 'CHARGE_NOT_APPLIED').join();
    await eventually(() => alerted.every((text) => raised().includes(text)));
    expect(alerted).toHaveLength(7);
  });
});

describe('a webhook is refused, logged, and changes nothing', () => {
  const FORGED = `whsec_${Buffer.from('a secret that somebody made up').toString('base64')}`;
  it.each([
    ['that is forged', { secret: FORGED }],
    ['that was altered', { altered: '{"type":"charge.failed"}' }],
    ['that is replayed after five minutes', { at: new Date(Date.now() - 6 * MINUTES) }],
    ['whose provider has a clock that is ten minutes behind', { at: new Date(Date.now() - 10 * MINUTES) }],
    ['whose provider has a clock that is ten minutes ahead', { at: new Date(Date.now() + 10 * MINUTES) }],
  ])('%s', async (_what, sending) => {
    const charge = await askToCharge(await world.buyer(), 100);
    const before = await everything();
    const { status, body, requestId } = await notify(url(), paid(charge), sending);
    expect([status, body.errors[0].extensions.code]).toEqual([401, 'UNAUTHENTICATED']);
    expect(await everything()).toEqual(before);
    const lines = (): string[] => linesOf(requestId);
    await eventually(() => lines().length > 0);
    expect(lines()).toEqual([expect.stringContaining('a webhook of charges was refused')]);
    expect(lines().join(), 'of what nobody has signed nothing is written down').not.toContain(charge.reference);
  });

  it('that has no signature, is too large, or is no POST', async () => {
    const before = await everything();
    const target = new URL('/webhooks/charges', url());
    const send = async (init: RequestInit): Promise<number> => (await fetch(target, init)).status;
    expect(await send({ method: 'POST', body: '{}' })).toBe(401);
    expect(await send({ method: 'POST' })).toBe(401);
    expect(await send({ method: 'POST', body: 'x'.repeat(20_000) })).toBe(413);
    expect(await send({})).toBe(404);
    expect(await everything()).toEqual(before);
  });
});

it('while secrets are rotated, notices signed by either are taken, and so are four minutes of difference between clocks', async () => {
  const buyer = await world.buyer();
  for (const secret of [OLD_SECRET, NEW_SECRET]) {
    const at = new Date(Date.now() - 4 * MINUTES);
    expect((await notify(url(), paid(await askToCharge(buyer, 100)), { secret, at })).status).toBe(200);
  }
  expect(await balanceOf(buyer)).toBe(200);
});

it('a buyer cancels no charge; an operator does, of any wallet, while the balance covers it, and charges one', async () => {
  const buyer = await world.buyer();
  const charge = await askToCharge(buyer, 100);
  await notify(url(), paid(charge));
  const { entry } = await readCharge(buyer, charge.id);
  const CANCEL = `mutation ($input: CancelChargeInput!) { cancelCharge(input: $input) {
    ... on LedgerEntry { kind amount balanceAfter } ... on Problem { code } } }`;
  const input = { entryId: entry.id, idempotencyKey: 'k' };
  expect(await buyer.fail(CANCEL, { input })).toBe('FORBIDDEN');
  expect(await balanceOf(buyer)).toBe(100);
  expect((await operator.get(CANCEL, { input })).cancelCharge).toEqual({
    ...{ kind: 'CHARGE_CANCEL', amount: -100, balanceAfter: 0 },
  });
  expect((await operator.get(CANCEL, { input: { ...input, idempotencyKey: 'l' } })).cancelCharge).toEqual({
    code: 'NOT_CANCELLABLE',
  });
  const { rows } = await world.pool.query(
    `select mutation, subject_ids @> array[$1::uuid] as is_theirs from operator_log where mutation = 'cancelCharge'`,
    [buyer.id],
  );
  expect(rows).toEqual([{ mutation: 'cancelCharge', is_theirs: true }]);
  expect(await chargeWallet(operator, buyer.id, 70)).toMatchObject({ kind: 'CHARGE', balanceAfter: 70 });
  expect(await notify(url(), paid(charge)), 'the money does not come a second time').toMatchObject({ status: 200 });
  expect(await balanceOf(buyer)).toBe(70);
});

it('after all of this the audit finds nothing', async () => {
  expect(await violationsOf(operator)).toEqual({});
});
