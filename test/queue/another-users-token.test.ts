import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newSecret, tokenValueOf } from '../../src/queue/queue-token.ts';
import { makeQueue } from '../support/builders.ts';
import { type Buyer, type Data, post } from '../support/client.ts';
import { follow, line, look, type Place, pause, refusalOf, statsOf, until } from '../support/places.ts';
import { World } from '../support/world.ts';

const READ = 'query ($value: ID!) { queueToken(value: $value) { status } }';
const LEAVE = 'mutation ($token: ID!) { leaveQueue(token: $token) { status } }';

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
});
afterAll(() => world.close());

/** The token as its holder's process tells it, but for the estimate, which grows less as time goes by. */
async function withoutEta(place: Place): Promise<Data> {
  const { etaSeconds: _, ...token } = await look(place);
  return token;
}

describe.each([1, 2])('with %i processes', (processes) => {
  const buyers = async (count: number): Promise<Buyer[]> =>
    (await world.buyers(count)).map((buyer, index) => buyer.at(world.urls[index % processes] as string));

  it("another user's token is null to read, NOT_FOUND to leave and to follow, and nothing happens to it", async () => {
    const queueId = await makeQueue(operator, { capacity: 1 });
    const [active, waiting] = await line(await buyers(2), queueId);
    const [thief] = (await buyers(1)) as [Buyer];
    await until(active!, 'ACTIVE');
    const owners = [active!, waiting!];
    const before = await Promise.all(owners.map(withoutEta));

    for (const { value } of owners) {
      for (const stranger of [thief, operator]) {
        expect(await stranger.get(READ, { value })).toEqual({ queueToken: null });
        expect(await stranger.fail(LEAVE, { token: value })).toBe('NOT_FOUND');
        expect((await refusalOf(follow({ buyer: stranger, value }))).extensions.code).toBe('NOT_FOUND');
      }
    }
    await pause(300);

    expect(await Promise.all(owners.map(withoutEta))).toEqual(before);
    expect(await statsOf(operator, queueId)).toMatchObject({ entered: 2, waiting: 1, active: 1, left: 0 });
  });

  it('a token that was never given out is null to read, NOT_FOUND to leave and to follow', async () => {
    const queueId = await makeQueue(operator, { capacity: 1 });
    const [buyer] = (await buyers(1)) as [Buyer];
    const value = tokenValueOf(queueId, newSecret());

    expect(await buyer.get(READ, { value })).toEqual({ queueToken: null });
    expect(await buyer.fail(LEAVE, { token: value })).toBe('NOT_FOUND');
    expect((await refusalOf(follow({ buyer, value }))).extensions.code).toBe('NOT_FOUND');

    expect(await statsOf(operator, queueId)).toMatchObject({ entered: 0, waiting: 0, active: 0, left: 0 });
  });

  it('text that cannot be a token is BAD_USER_INPUT to read, to leave and to follow', async () => {
    const [buyer] = (await buyers(1)) as [Buyer];
    const queueId = await makeQueue(operator, { capacity: 1 });
    const [place] = await line([buyer], queueId);
    const { value } = place!;

    for (const text of ['', 'x', queueId, value.slice(1), `${value}A`, ` ${value}`, value.replace(/.$/, '+')]) {
      expect(await buyer.fail(READ, { value: text })).toBe('BAD_USER_INPUT');
      expect(await buyer.fail(LEAVE, { token: text })).toBe('BAD_USER_INPUT');
      expect((await refusalOf(follow({ buyer, value: text }))).extensions.code).toBe('BAD_USER_INPUT');
    }
    expect(['WAITING', 'ACTIVE']).toContain((await look(place!)).status);
  });

  it('nobody may read, leave or follow a token without being signed in, not even with its value', async () => {
    const queueId = await makeQueue(operator, { capacity: 0 });
    const [place] = await line(await buyers(1), queueId);
    const { buyer, value } = place!;

    for (const [query, variables] of [
      [READ, { value }],
      [LEAVE, { token: value }],
    ] as const) {
      const { errors } = await post(buyer.url, query, variables, { 'x-queue-token': value });
      expect(errors?.map(({ extensions }) => extensions.code)).toEqual(['UNAUTHENTICATED']);
    }
    expect(await look(place!)).toMatchObject({ status: 'WAITING', position: 1, waiting: 1 });
  });
});
