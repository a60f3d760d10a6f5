import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { charge, enter, type MadeShow, makeQueue, makeShow, pay, readToken, reserve } from '../support/builders.ts';
import { Buyer, type Data, type Feed, post } from '../support/client.ts';
import { World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  // Nobody who just buys meets a rate: those of the product are in force.
  world = await World.open({ env: { RATE_LIMITS: '' } });
});
afterAll(() => world.close());

const SIGN_UP = `mutation ($input: CredentialsInput!) { signUp(input: $input) {
  ... on Session { accessToken user { id } } } }`;

async function signUp(url: string, name: string): Promise<Buyer> {
  const { data } = await post(url, SIGN_UP, { input: { name, password: 'correct horse' } });
  return new Buyer(data.signUp.user.id, data.signUp.accessToken, url);
}

/** Enters, and waits on the subscription for the turn. */
async function goIn(buyer: Buyer, queueId: string): Promise<{ inside: Buyer; place: Feed }> {
  const token = await enter(buyer, queueId);
  expect(token).toMatchObject({ __typename: 'QueueToken', status: 'WAITING', position: 1, endReason: null });
  const place = buyer.watch('subscription ($token: ID!) { queuePosition(token: $token) { status position } }', {
    token: token.value,
  });
  await place.until(({ queuePosition }) => queuePosition.status === 'ACTIVE');
  return { inside: buyer.withToken(token.value), place };
}

async function findFiftySeats(inside: Buyer, show: MadeShow): Promise<void> {
  const { availableDates } = await inside.get(
    'query ($id: ID!) { availableDates(concertId: $id) { id date availableCount } }',
    { id: show.concertId },
  );
  expect(availableDates).toMatchObject([{ id: show.id, availableCount: 50 }]);
  const free = 'query ($id: ID!, $date: LocalDate!) { availableSeats(concertId: $id, date: $date) { id status } }';
  const { availableSeats } = await inside.get(free, { id: show.concertId, date: availableDates[0].date });
  expect(availableSeats.map(({ id }: Data) => id)).toEqual(show.seats);
}

describe.each([1, 2])('with %i processes', (processes) => {
  it('a newcomer buys a ticket, and a rival watches the seat go from HELD to SOLD', async () => {
    const [here, there] = [world.urls[0] as string, world.urls[processes - 1] as string];
    const operator = (await world.operator()).at(here);
    const queueId = await makeQueue(operator, { capacity: 2 });
    const show = await makeShow(operator, {}, queueId);
    const [buyer, rival] = [await signUp(here, `buyer ${processes}`), await signUp(there, `rival ${processes}`)];

    const { inside, place } = await goIn(buyer, queueId);
    const watching = await goIn(rival, queueId);
    const changes = 'subscription ($show: ID!) { seatChanges(showId: $show) { resync seats { id status revision } } }';
    const seats = watching.inside.watch(changes, { show: show.id });
    await new Promise((resolve) => setTimeout(resolve, 300));

    await findFiftySeats(inside, show);
    const reservation = await reserve(inside, show.id, [show.seats[4] as string]);
    expect(reservation).toMatchObject({ __typename: 'Reservation', status: 'HELD', amount: 1_000 });
    expect(await charge(inside, 5_000)).toMatchObject({ __typename: 'LedgerEntry', balanceAfter: 5_000 });
    expect(await pay(inside, reservation.id)).toMatchObject({
      __typename: 'Payment',
      status: 'COMPLETED',
      amount: 1_000,
    });

    const told = (status: string) => (event: Data) => event.seatChanges.seats[0]?.status === status;
    const held = await seats.until(told('HELD'));
    const sold = await seats.until(told('SOLD'));
    expect(held.seatChanges.seats[0]).toMatchObject({ id: show.seats[4], revision: 1 });
    expect(sold.seatChanges.seats[0]).toMatchObject({ id: show.seats[4], revision: 2 });

    expect(await readToken(inside, inside.queueToken as string)).toMatchObject({
      status: 'COMPLETED',
      endReason: 'PAID',
    });
    expect(await place.ended).toBeUndefined();
    expect(place.events.at(-1).queuePosition).toMatchObject({ status: 'COMPLETED' });
    const { errors } = await inside.ask('query ($id: ID!) { availableDates(concertId: $id) { id } }', {
      id: show.concertId,
    });
    expect(errors?.[0]?.extensions).toMatchObject({
      code: 'QUEUE_TOKEN_REQUIRED',
      queue: { id: queueId, state: 'OPEN' },
    });
    const wallet = await inside.get('{ wallet { balance entries { edges { node { kind amount } } } } }');
    expect(wallet.wallet.balance).toBe(4_000);
    await Promise.all([place.close(), watching.place.close(), seats.close()]);
  });
});
