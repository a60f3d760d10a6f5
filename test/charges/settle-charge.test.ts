import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { balanceOf, eventually, violationsOf } from '../support/builders.ts';
import { askToCharge, NEW_SECRET, notify, paid, readCharge, WITH_PROVIDER } from '../support/charges.ts';
import type { Buyer, Data } from '../support/client.ts';
import { faultOf, readStream } from '../support/events.ts';
import { chainOf } from '../support/ledger.ts';
import { read } from '../support/sources.ts';
import { World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await World.open({ env: WITH_PROVIDER, preload: './hurry-jobs.ts' });
});
afterAll(() => world.close());

const url = (index = 0): string => world.urls[index % 2] as string;

it('of two charges that one payment is to complete at once, at two processes, one is completed', async () => {
  for (let round = 0; round < 10; round++) {
    const buyers = (await world.buyers(2)) as [Buyer, Buyer];
    const charges = await Promise.all(buyers.map((buyer) => askToCharge(buyer, 100)));
    const paymentId = `payment ${round}`.replace(' ', '-');
    const answers = await Promise.all(charges.map((charge, index) => notify(url(index), paid(charge, { paymentId }))));
    expect(answers.map(({ body }) => body.status).sort()).toEqual(['COMPLETED', 'PAYMENT_USED']);
    const balances = await Promise.all(buyers.map(balanceOf));
    expect(balances.reduce((sum, balance) => sum + balance)).toBe(100);
  }
});

it.each(['before', 'after'])(
  'a process is killed %s the commit of a notice: sent again, it is applied once',
  async (DIE) => {
    const doomed = await world.startProcess({ DIE, DIE_OF: '^insert into "entry"' }, './die-at-commit.ts');
    const buyer = await world.buyer();
    const charge = await askToCharge(buyer, 5_000);
    await notify(doomed.url, paid(charge)).catch(() => undefined);
    await eventually(() => doomed.child.signalCode === 'SIGKILL');
    expect(await balanceOf(buyer)).toBe(DIE === 'before' ? 0 : 5_000);
    expect((await notify(url(), paid(charge))).body).toEqual({ status: 'COMPLETED' });
    expect(await chainOf(world.pool, buyer.id)).toEqual({ entries: 1, unbroken: true, sum: 5_000 });
  },
);

it('a charge that expires is told to other systems once, and its money, which comes later, too', async () => {
  const buyer = await world.buyer();
  const charge = await askToCharge(buyer, 100);
  await world.pool.query('update pending_charge set expires_at = clock_timestamp() where id = $1', [charge.id]);
  const events = async (): Promise<Data[]> =>
    (await readStream(world.redis)).filter(({ subject }) => subject === charge.id);
  await eventually(async () => (await events()).length === 2);
  await notify(url(), paid(charge));
  await eventually(async () => (await events()).length === 3);
  const told = await events();
  expect(told.map(({ type }) => type)).toEqual(['charge.pending.v1', 'charge.expired.v1', 'charge.completed.v1']);
  expect(told.map(faultOf)).toEqual([undefined, undefined, undefined]);
  expect(await readCharge(buyer, charge.id)).toMatchObject({ status: 'COMPLETED', entry: { amount: 100 } });
});

it('a charge that was completed stays as it is: PostgreSQL refuses to change or delete it', async () => {
  const charge = await askToCharge(await world.buyer(), 100);
  await notify(url(), paid(charge));
  for (const text of [`update pending_charge set status = 'FAILED', entry_id = null`, 'delete from pending_charge']) {
    await expect(world.pool.query(`${text} where id = $1`, [charge.id])).rejects.toThrow('stays as it is');
  }
});

it("the provider's back end of docs/operate/charges.md works as it is written", async () => {
  const [, program] = /```js\n(.*?)```/s.exec(read('docs/operate/charges.md')) ?? [];
  const folder = await mkdtemp(join(tmpdir(), 'provider-'));
  await writeFile(join(folder, 'provider.mjs'), program as string);
  const env = { CHARGE_WEBHOOK_SECRET: NEW_SECRET, ONSALE_URL: new URL(url()).origin, PORT: '0' };
  const provider = spawn(process.execPath, [join(folder, 'provider.mjs')], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const pay = await listening(provider);
    const buyer = await world.buyer();
    const [even, odd] = [await askToCharge(buyer, 50_000), await askToCharge(buyer, 301)];
    for (const { reference, amount } of [even, odd]) {
      const answer = await fetch(pay, { method: 'POST', body: JSON.stringify({ reference, amount }) });
      expect(answer.status).toBe(202);
    }
    const statuses = async (): Promise<string[]> =>
      (await Promise.all([even, odd].map(({ id }) => readCharge(buyer, id)))).map(({ status }) => status);
    await eventually(async () => !(await statuses()).includes('PENDING'));
    expect(await statuses()).toEqual(['COMPLETED', 'FAILED']);
    expect(await balanceOf(buyer)).toBe(50_000);
  } finally {
    provider.kill();
    await rm(folder, { recursive: true });
  }
});

/** The address that the program prints. */
function listening(provider: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    provider.stdout?.on('data', (chunk: Buffer) => {
      const address = /http:\S+/.exec(String(chunk))?.[0];
      if (address) resolve(address);
    });
    provider.once('exit', (code) => reject(new Error(`the back end ended with ${code}`)));
  });
}

it('after all of this the audit finds nothing, and a charge without its entry is found', async () => {
  const operator = await world.operator();
  expect(await violationsOf(operator)).toEqual({});
  const charge = await askToCharge(await world.buyer(), 100);
  await notify(url(), paid(charge));
  await world.pool.query('alter table pending_charge disable trigger user');
  await world.pool.query('update pending_charge set amount = 99 where id = $1', [charge.id]);
  expect(await violationsOf(operator)).toEqual({
    'charges-completed-once': [expect.stringContaining(`pending_charge ${charge.id}: COMPLETED of 99`)],
  });
});
