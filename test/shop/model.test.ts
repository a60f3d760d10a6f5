import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { violationsOf } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { placeOrder } from '../support/shop.ts';
import type { ShopModel } from '../support/shop-model.ts';
import { ModelRun } from '../support/shop-model-run.ts';
import { ShopRun } from '../support/shop-run.ts';
import { SHOP, type Step, step } from '../support/shop-script.ts';
import { World } from '../support/world.ts';

const SEED = 20_261_121;
const RUNS = 15;
const STEPS = 80;
/** On a slow machine there are fewer runs, and a failure is shrunk for no longer than this, in milliseconds. */
const MAX_MS = 60_000;

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open({ env: { SEATS_PER_USER: `${SHOP.seatsPerUser}` } });
  operator = await world.operator();
});
afterAll(() => world.close());

it(
  `whatever is bought, cancelled, refunded, restocked and left to lapse, over two processes: every answer and every row is that of a simple model, and the audit is clean (seed ${SEED})`,
  async () => {
    const scripts = fc.array(step, { minLength: 1, maxLength: STEPS, size: 'max' });
    await fc.assert(fc.asyncProperty(scripts, actOut), {
      seed: SEED,
      numRuns: RUNS,
      interruptAfterTimeLimit: MAX_MS,
    });
  },
  2 * MAX_MS,
);

async function actOut(script: Step[]): Promise<void> {
  // A run that failed leaves its rows behind; the runs that shrink it are judged by their own.
  const before = await violationsOf(operator);
  const run = await ShopRun.open(world, operator);
  const told = new ModelRun();
  for (const [index, one] of script.entries()) {
    expect(await run.act(one), `step ${index}: ${JSON.stringify(one)}`).toBe(told.act(one));
  }
  await expectSameRows(run, told.model);
  expect(await violationsOf(operator)).toEqual(before);
}

const MINE = `{ wallet { balance entries(first: 100) { edges { node { amount } } } }
  payments(first: 100) { edges { node { status } } } orders(first: 100) { edges { node { id status total } } }
  reservations(first: 100) { edges { node { id status amount } } } myCoupons { id status } }`;

async function expectSameRows(run: ShopRun, model: ShopModel): Promise<void> {
  // An order for more than there is has the overdue orders of these products ended, and is refused.
  const wanted = run.products.filter((_id, index) => SHOP.stocks[index] !== null);
  const refused = await placeOrder(operator, Object.fromEntries(wanted.map((id) => [id, 100])));
  expect(refused.__typename).toBe('InsufficientStock');
  const { rows: stocks } = await world.pool.query(
    'select stock from product where id = any($1) order by array_position($1, id)',
    [run.products],
  );
  expect(stocks.map(({ stock }) => stock)).toEqual(model.stocks);
  for (const [user, buyer] of run.users.entries()) {
    const mine = await buyer.get(MINE);
    const nodes = (name: string): Data[] => mine[name].edges.map(({ node }: Data) => node).reverse();
    const told = (list: readonly { readonly user: number; toString(): string }[]): string[] =>
      list.filter((one) => one.user === user).map(String);
    const amounts = mine.wallet.entries.edges.map(({ node }: Data) => node.amount);
    expect(mine.wallet.balance).toBe(model.balances[user]);
    expect(amounts.reduce((sum: number, amount: number) => sum + amount, 0)).toBe(model.balances[user]);
    expect(nodes('orders').map((order) => run.tell({ __typename: 'Order', ...order }))).toEqual(told(model.orders));
    expect(nodes('reservations').map((one) => run.tell({ __typename: 'Reservation', ...one }))).toEqual(
      told(model.reservations),
    );
    const issued = model.issued.filter((one) => one.user === user).map((one) => [one.coupon, model.isUsed(one)]);
    for (const [coupon, isUsed] of issued) {
      const { status } = mine.myCoupons.find(({ id }: Data) => id === run.issued.get(`${user} ${coupon}`));
      expect(status).toBe(isUsed ? 'USED' : 'ISSUED');
    }
    expect(mine.myCoupons).toHaveLength(issued.length);
    expect(nodes('payments').filter(({ status }) => status !== 'FAILED')).toEqual(
      model.payments.filter(({ payable }) => payable.user === user).map(({ status }) => ({ status })),
    );
  }
  await expectSameSeats(run, model);
}

async function expectSameSeats(run: ShopRun, model: ShopModel): Promise<void> {
  const { rows } = await world.pool.query(
    `select count(*)::int as failed from payment where status = 'FAILED' and user_id = any($1)`,
    [run.users.map(({ id }) => id)],
  );
  expect(rows).toEqual([{ failed: model.failed }]);
  const { seatMap } = await operator.get('query ($id: ID!) { seatMap(showId: $id) { status } }', { id: run.show });
  const statusOf = (seat: number): string => {
    const status = model.holderOf(seat)?.status;
    return status === 'CONFIRMED' ? 'SOLD' : (status ?? 'AVAILABLE');
  };
  expect(seatMap.map(({ status }: Data) => status)).toEqual(run.seats.map((_id, seat) => statusOf(seat)));
}
