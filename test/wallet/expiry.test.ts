import { afterAll, beforeAll, expect, it } from 'vitest';
import { balanceOf, charge, eventually, violationsOf } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { pause } from '../support/places.ts';
import { World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await World.open({ env: { WALLET_EXPIRY_DAYS: '30' }, preload: './hurry-jobs.ts' });
});
afterAll(() => world.close());

const ids = (buyers: Buyer[]): string[] => buyers.map(({ id }) => id);

/** Lets the entries of the wallets, up to number `upTo` of each, look so many days older. */
async function ageEntries(buyers: Buyer[], days: number, upTo = 1): Promise<void> {
  const client = await world.pool.connect();
  // Without triggers: entries are only ever added.
  await client.query('set session_replication_role = replica');
  await client.query(
    'update entry set created_at = created_at - make_interval(days => $2) where wallet_id = any($1) and seq <= $3',
    [ids(buyers), days, upTo],
  );
  client.release(true);
}

/** Lets the index have the wallets under a day so long ago. */
async function ageDays(buyers: Buyer[], days: number): Promise<void> {
  await world.pool.query('update wallet set moved_on = moved_on - $2::int where user_id = any($1)', [
    ids(buyers),
    days,
  ]);
}

async function entriesOf(buyer: Buyer): Promise<Data[]> {
  const { wallet } = await buyer.get('{ wallet { entries { edges { node { kind amount balanceAfter } } } } }');
  return wallet.entries.edges.map(({ node }: Data) => node);
}

it('the whole balance of wallets without movement lapses, once each, however many processes sweep', async () => {
  const old = await world.buyers(120);
  await Promise.all(old.map((buyer) => charge(buyer, 700)));
  await ageEntries(old, 31);
  await ageDays(old, 31);
  const full = 'select from wallet where user_id = any($1) and balance > 0';
  await eventually(async () => (await world.pool.query(full, [ids(old)])).rowCount === 0);
  expect(new Set(await Promise.all(old.map(balanceOf)))).toEqual(new Set([0]));
  for (const entries of await Promise.all(old.map(entriesOf))) {
    expect(entries).toEqual([
      { kind: 'EXPIRY', amount: -700, balanceAfter: 0 },
      { kind: 'CHARGE', amount: 700, balanceAfter: 700 },
    ]);
  }
  expect(await violationsOf(await world.operator())).toEqual({});
});

it('a wallet that moved since, or is a day short of the time, is left alone; one that lapsed can be charged again', async () => {
  const [moved, young, old] = (await world.buyers(3)) as [Buyer, Buyer, Buyer];
  for (const buyer of [moved, moved, young, old]) await charge(buyer, 400);
  await ageEntries([moved, old], 31);
  await ageEntries([young], 29);
  await ageDays([moved, young, old], 31);
  await eventually(async () => (await balanceOf(old)) === 0);
  expect([await balanceOf(moved), await balanceOf(young)]).toEqual([800, 400]);
  await charge(old, 1);
  expect((await entriesOf(old)).map(({ kind }) => kind)).toEqual(['CHARGE', 'EXPIRY', 'CHARGE']);
  const text = 'select user_id from wallet where user_id = any($1) and moved_on = current_date';
  expect((await world.pool.query(text, [ids([old])])).rowCount).toBe(1);
});

it('a wallet that somebody is working on is skipped, and does not hold up the others', async () => {
  const [busy, idle] = (await world.buyers(2)) as [Buyer, Buyer];
  for (const buyer of [busy, idle]) await charge(buyer, 300);
  await ageDays([busy, idle], 31);
  const rival = await world.pool.connect();
  await rival.query('begin');
  await rival.query('select from wallet where user_id = $1 for update', [busy.id]);
  await ageEntries([busy, idle], 31);
  await eventually(async () => (await balanceOf(idle)) === 0);
  expect(await balanceOf(busy)).toBe(300);
  await rival.query('commit');
  rival.release();
  await eventually(async () => (await balanceOf(busy)) === 0);
});

it('while WALLET_EXPIRY_DAYS is unset no wallet lapses', async () => {
  const other = await World.open({ processes: 1, preload: './hurry-jobs.ts' });
  try {
    const buyer = await other.buyer();
    await charge(buyer, 300);
    await other.pool.query(`update wallet set moved_on = '2000-01-01'`);
    await other.pool.query('alter table entry disable trigger user');
    await other.pool.query(`update entry set created_at = '2000-01-01'`);
    await pause(500);
    expect(await balanceOf(buyer)).toBe(300);
  } finally {
    await other.close();
  }
});
