import { afterAll, beforeAll, expect, it } from 'vitest';
import { cancelPayment, eventually, makeShow, pay, reserve, violationsOf } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import type { AppProcess } from '../support/process.ts';
import { World } from '../support/world.ts';

let world: World;
let operator: Buyer;
let accepting: AppProcess;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
  accepting = await world.startProcess({ LATE_PAYMENT: 'accept' });
});
afterAll(() => world.close());

/** Holds a seat and lets the hold lapse; `swept` waits until its row is gone. */
async function lapsed(buyer: Buyer, show: { id: string; seats: string[] }): Promise<string> {
  const { id } = await reserve(buyer, show.id, [show.seats[0] as string]);
  await lapse(id);
  return id;
}

/** Ages a hold, so that it lapsed a second ago. */
async function lapse(id: string): Promise<void> {
  for (const [table, column] of [
    ['hold', 'reservation_id'],
    ['reservation', 'id'],
  ]) {
    await world.pool.query(
      `update ${table} set expires_at = clock_timestamp() - interval '1 second' where ${column} = $1`,
      [id],
    );
  }
}

async function swept(show: { id: string }): Promise<void> {
  await eventually(
    async () => (await world.pool.query('select from hold where show_id = $1', [show.id])).rowCount === 0,
  );
}

async function failures(buyer: Buyer): Promise<Data[]> {
  const { payments } = await buyer.get('{ payments { edges { node { status failure } } } }');
  return payments.edges.map(({ node }: Data) => node);
}

it.each(['before', 'after'])(
  'a payment for a hold that lapsed is refused and recorded as FAILED, %s the sweep, also when nobody took the seat',
  async (when) => {
    const show = await makeShow(operator);
    const buyer = (await world.buyer(5_000)).at(world.urls[0] as string);
    const id = await lapsed(buyer, show);
    if (when === 'after') await swept(show);
    expect(await pay(buyer, id)).toMatchObject({ __typename: 'Refusal', code: 'HOLD_EXPIRED' });
    expect(await failures(buyer)).toEqual([{ status: 'FAILED', failure: 'HOLD_EXPIRED' }]);
    expect((await buyer.get('{ wallet { balance } }')).wallet.balance).toBe(5_000);
    expect((await world.pool.query('select from ticket where show_id = $1', [show.id])).rowCount).toBe(0);
  },
);

it.each(['before', 'after'])(
  'with LATE_PAYMENT=accept it succeeds while nobody took the seat, %s the sweep',
  async (when) => {
    const show = await makeShow(operator);
    const buyer = (await world.buyer(5_000)).at(accepting.url);
    const id = await lapsed(buyer, show);
    if (when === 'after') await swept(show);
    expect(await pay(buyer, id)).toMatchObject({
      __typename: 'Payment',
      status: 'COMPLETED',
      payable: { status: 'CONFIRMED' },
    });
    const { seatMap } = await buyer.get('query ($id: ID!) { seatMap(showId: $id, first: 1) { status revision } }', {
      id: show.id,
    });
    expect(seatMap).toEqual([{ status: 'SOLD', revision: 3 }]);
  },
);

it('with LATE_PAYMENT=accept nobody gets more seats than one user may have, also over two processes at once', async () => {
  const show = await makeShow(operator);
  const buyer = await world.buyer(100_000);
  const early = await reserve(buyer, show.id, show.seats.slice(0, 8));
  await lapse(early.id);
  const live = await reserve(buyer, show.id, show.seats.slice(8, 16));
  const other = await world.startProcess({ LATE_PAYMENT: 'accept' });
  const answers = await Promise.all([pay(buyer.at(accepting.url), early.id), pay(buyer.at(other.url), live.id)]);
  expect(answers.map(({ code, status }) => code ?? status).sort()).toEqual(['COMPLETED', 'HOLD_EXPIRED']);
  expect((await world.pool.query('select from ticket where show_id = $1', [show.id])).rowCount).toBe(8);
});

it.each(['held', 'sold'])(
  'with LATE_PAYMENT=accept it is refused all the same once another has the seat %s',
  async (had) => {
    const show = await makeShow(operator);
    const [late, quick] = (await world.buyers(2, 5_000)) as [Buyer, Buyer];
    const id = await lapsed(late, show);
    const taken = await reserve(quick, show.id, [show.seats[0] as string]);
    if (had === 'sold') await pay(quick, taken.id);
    expect(await pay(late.at(accepting.url), id)).toMatchObject({ code: 'HOLD_EXPIRED' });
    expect((await late.get('{ wallet { balance } }')).wallet.balance).toBe(5_000);
    const { rows } = await world.pool.query('select user_id from ticket where show_id = $1', [show.id]);
    expect(rows).toEqual(had === 'sold' ? [{ user_id: quick.id }] : []);
  },
);

it('with LATE_PAYMENT=accept a seat that is refunded to one and sold to another at once has one owner, who has paid', async () => {
  for (let round = 0; round < 15; round++) {
    const show = await makeShow(operator);
    const [late, quick] = (await world.buyers(2, 5_000)).map((buyer) => buyer.at(accepting.url)) as [Buyer, Buyer];
    const id = await lapsed(late, show);
    const taken = await reserve(quick, show.id, [show.seats[0] as string]);
    const { id: paymentId } = await pay(quick, taken.id);
    const [cancelled, paid] = await Promise.all([cancelPayment(quick, paymentId), pay(late, id)]);
    expect(cancelled.status).toBe('CANCELLED');
    const { rows } = await world.pool.query('select user_id from ticket where show_id = $1', [show.id]);
    expect(rows).toEqual(paid.__typename === 'Payment' ? [{ user_id: late.id }] : []);
  }
  expect(await violationsOf(operator)).toEqual({});
});

it('with LATE_PAYMENT=accept late payments of one user at once count together against the limit', async () => {
  for (let round = 0; round < 10; round++) {
    const show = await makeShow(operator);
    const buyer = (await world.buyer(100_000)).at(accepting.url);
    const ids: string[] = [];
    for (const from of [0, 8]) {
      const { id } = await reserve(buyer, show.id, show.seats.slice(from, from + 8));
      await lapse(id);
      ids.push(id);
    }
    const answers = await Promise.all(ids.map((id) => pay(buyer, id)));
    expect(answers.map(({ code, status }) => code ?? status).sort()).toEqual(['COMPLETED', 'HOLD_EXPIRED']);
    expect((await world.pool.query('select from ticket where show_id = $1', [show.id])).rowCount).toBe(8);
  }
});
