import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Buyer, type Data, post } from '../support/client.ts';
import { forgedCursor } from '../support/cursors.ts';
import { claim, makeCoupon } from '../support/shop.ts';
import { World } from '../support/world.ts';

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
});
afterAll(() => world.close());

const COUPONS = `query ($first: Int! = 20, $after: String) { coupons(first: $first, after: $after) {
  edges { node { id remaining } } pageInfo { hasNextPage endCursor } } }`;
const idsOf = ({ coupons }: Data): string[] => coupons.edges.map(({ node }: Data) => node.id);
const at = (hours: number): Date => new Date(Date.now() + hours * 3_600_000);

it('buyers and nobody are told the coupons that can be claimed now, operators all, newest first', async () => {
  const later = await makeCoupon(operator, { startsAt: at(1), endsAt: at(2) });
  const open = await makeCoupon(operator, { quantity: 2 });
  const ended = await makeCoupon(operator, { startsAt: at(-2), endsAt: at(1) });
  await world.pool.query(`update coupon set ends_at = clock_timestamp() where id = $1`, [ended]);
  const soldOut = await makeCoupon(operator, { quantity: 1 });
  await claim(await world.buyer(), soldOut);
  const closed = await makeCoupon(operator);
  await operator.get('mutation ($id: ID!) { closeCoupon(input: { id: $id }) { id } }', { id: closed });
  const another = await makeCoupon(operator);
  const buyer = await world.buyer();
  await claim(buyer, open);

  for (const url of world.urls) {
    expect(idsOf(await buyer.at(url).get(COUPONS))).toEqual([another, open]);
    expect(idsOf((await post(url, COUPONS)).data)).toEqual([another, open]);
    expect(idsOf(await operator.at(url).get(COUPONS))).toEqual([another, closed, soldOut, ended, open, later]);
  }
});

it('pages go on where they ended while coupons are claimed and made, and foreign cursors are refused', async () => {
  const made: string[] = [];
  for (let n = 0; n < 5; n++) made.unshift(await makeCoupon(operator, { quantity: 1 }));
  const buyer = await world.buyer();
  const first = (await buyer.get(COUPONS, { first: 2 })) as Data;
  await claim(await world.buyer(), made[2] as string);
  await makeCoupon(operator);
  const next = await buyer.get(COUPONS, { first: 2, after: first.coupons.pageInfo.endCursor });
  expect([idsOf(first), idsOf(next)]).toEqual([made.slice(0, 2), made.slice(3)]);
  const foreign = forgedCursor('queue', made[0] as string);
  expect(await buyer.fail(COUPONS, { after: foreign })).toBe('BAD_USER_INPUT');
  expect(await buyer.fail(COUPONS, { first: 101 })).toBe('BAD_USER_INPUT');
});
