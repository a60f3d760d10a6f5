import fc from 'fast-check';
import { afterEach, expect, it } from 'vitest';
import { eventually, violationsOf } from '../support/builders.ts';
import type { Buyer } from '../support/client.ts';
import { placeOrder } from '../support/shop.ts';
import { expectBooksMatch } from '../support/shop-books.ts';
import { ShopRun } from '../support/shop-run.ts';
import { SHOP, type Step, step } from '../support/shop-script.ts';
import { World } from '../support/world.ts';

const SEED = 20_261_121;
const RUNS = 6;
/** Its first scripts cross where locks are missing; those of others do so only later. */
const EARLY_SEED = 2;
/** On a slow machine there are fewer runs, and a failure is shrunk for no longer than this, in milliseconds. */
const MAX_MS = 60_000;

let world: World;
afterEach(() => world.close());

/** A step that may be sent to both processes at once, under one key. */
interface Sent {
  readonly step: Step;
  readonly isTwice: boolean;
}

const sent = fc.record({ step, isTwice: fc.boolean() }, { noNullPrototype: true });
const batch = fc.array(sent, { minLength: 2, maxLength: 16, size: 'max' });

it(
  `whatever crosses whatever else over two processes: the rows are exactly what was answered, no money, seat or piece is made or lost, and the audit is clean (seed ${SEED})`,
  () => crossOver({ numRuns: RUNS, interruptAfterTimeLimit: MAX_MS }),
  2 * MAX_MS,
);

it(
  'without the row locks of the shop they are not: the test of what crosses can fail',
  async () => {
    const crossed = crossOver({ seed: EARLY_SEED, numRuns: 200, endOnFailure: true }, './without-shop-locks.ts');
    await expect(crossed).rejects.toThrow('Property failed');
  },
  2 * MAX_MS,
);

async function crossOver(how: fc.Parameters<[Sent[][]]>, preload?: string): Promise<void> {
  world = await World.open({ env: { SEATS_PER_USER: `${SHOP.seatsPerUser}` }, ...(preload && { preload }) });
  const operator = await world.operator();
  const scripts = fc.array(batch, { minLength: 1, maxLength: 8, size: 'max' });
  await fc.assert(
    fc.asyncProperty(scripts, (script) => actOut(operator, script)),
    { seed: SEED, ...how },
  );
}

async function actOut(operator: Buyer, script: Sent[][]): Promise<void> {
  // A run that failed leaves its rows behind; the runs that shrink it are judged by their own.
  const before = await violationsOf(operator);
  const run = await ShopRun.open(world, operator);
  for (const together of script) {
    await Promise.all(together.map((sent) => run.act(sent.step, sent.isTwice ? [0, 1] : [sent.step.at])));
  }
  await eventually(() => nothingIsOverdue(run));
  await expectBooksMatch(run);
  expect(await violationsOf(operator)).toEqual(before);
}

/** Whoever orders has what is overdue put back; a sweep that is at it at the same moment needs another one. */
async function nothingIsOverdue(run: ShopRun): Promise<boolean> {
  await placeOrder(run.operator, { [run.products[2] as string]: 1 });
  const text = `select from shop_order where status = 'PLACED' and pay_by <= clock_timestamp()`;
  return (await world.pool.query(text)).rowCount === 0;
}
