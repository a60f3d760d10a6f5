import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { charge, makeShow, pay, reserve } from '../support/builders.ts';
import type { Buyer } from '../support/client.ts';
import { makeProduct, placeOrder } from '../support/shop.ts';
import { World } from '../support/world.ts';

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open({ processes: 1 });
  operator = await world.operator();
});
afterAll(() => world.close());

/** Writes what the version before the runner of commands kept under a key. */
async function keep(buyer: Buyer, mutation: string, input: [string, unknown][], answer: object): Promise<string> {
  const key = randomUUID();
  const hash = createHash('sha256').update(JSON.stringify(input)).digest('hex');
  const text = 'insert into idempotency_key (user_id, mutation, key, hash, answer) values ($1, $2, $3, $4, $5)';
  await world.pool.query(text, [buyer.id, mutation, key, hash, JSON.stringify(answer)]);
  return key;
}

const entriesOf = async ({ id }: Buyer): Promise<number> =>
  (await world.pool.query('select from entry where wallet_id = $1', [id])).rowCount ?? 0;

it('an entry that an earlier version answered is answered again, and nothing is charged', async () => {
  const buyer = await world.buyer();
  const { id } = await charge(buyer, 500);
  const key = await keep(buyer, 'charge', [['amount', 500]], { type: 'LedgerEntry', id });
  expect(await charge(buyer, 500, key)).toMatchObject({ __typename: 'LedgerEntry', id, amount: 500 });
  expect(await charge(buyer, 501, key)).toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' });
  expect(await entriesOf(buyer)).toBe(1);
});

it('so are refusals, with the data that they carry', async () => {
  const buyer = await world.buyer(10_000);
  const fields = { code: 'BALANCE_LIMIT', message: 'The wallet cannot hold that much money.' };
  const refused = await keep(buyer, 'charge', [['amount', 7]], { type: 'Refusal', fields });
  expect(await charge(buyer, 7, refused)).toEqual({ __typename: 'Refusal', code: 'BALANCE_LIMIT' });

  const show = await makeShow(operator);
  const { id } = await reserve(buyer, show.id, [show.seats[0] as string]);
  const poor = { code: 'INSUFFICIENT_BALANCE', message: 'There is not enough money.', balance: 5, required: 1_000 };
  const unpaid = await keep(buyer, 'pay', [['reservationId', id]], { type: 'InsufficientBalance', fields: poor });
  expect(await pay(buyer, id, unpaid)).toMatchObject({
    __typename: 'InsufficientBalance',
    balance: 5,
    required: 1_000,
  });
  const paid = await pay(buyer, id);
  const again = await keep(buyer, 'pay', [['reservationId', id]], { type: 'AlreadyPaid', id: paid.id });
  expect(await pay(buyer, id, again)).toMatchObject({ __typename: 'AlreadyPaid', payment: { id: paid.id } });

  const product = await makeProduct(operator);
  const shortages = [{ productId: product, requested: 2, available: 1 }];
  const short = { code: 'INSUFFICIENT_STOCK', message: 'There are not as many left.', shortages };
  const lines = [{ productId: product, quantity: 2 }];
  const key = await keep(buyer, 'placeOrder', [['lines', lines]], { type: 'InsufficientStock', fields: short });
  expect(await placeOrder(buyer, { [product]: 2 }, { idempotencyKey: key })).toMatchObject({ shortages });
  expect(await entriesOf(buyer)).toBe(2);
});
