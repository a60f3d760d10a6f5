import { afterAll, beforeAll, expect, it } from 'vitest';
import { WITH_PROVIDER } from '../support/charges.ts';
import { deleteWhileCharging, demoteEachOther, signInWhileChanging } from '../support/sessions.ts';
import { World } from '../support/world.ts';

let world: World;
let here: string;
let there: string;
beforeAll(async () => {
  world = await World.open({ preload: './without-account-guards.ts' });
  [here, there] = world.urls as [string, string];
});
afterAll(() => world.close());

it('without the lock of the operators none is left: the test of the guard can fail', async () => {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 5 && least > 0; round++) {
    await world.pool.query(`update user_account set role = 'OPERATOR' where name = 'operator'`);
    least = Math.min(least, await demoteEachOther(world));
  }
  expect(least).toBe(0);
});

it("without the lock of a user and the wallet's version, money and charges come to deleted accounts: the test of the guard can fail", async () => {
  const { url: asking } = await world.startProcess(WITH_PROVIDER);
  for (const chargeAt of [there, asking]) {
    const ends: { isDeleted: boolean; came: number }[] = [];
    for (let round = 0; round < 10 && !ends.some(({ isDeleted, came }) => isDeleted && came > 0); round++) {
      ends.push(await deleteWhileCharging(world, here, chargeAt));
    }
    expect(ends.at(-1)).toEqual({ isDeleted: true, came: chargeAt === asking ? 1 : 1_000 });
  }
});

it('without the version of the check a session opened with the old password outlives its change: the test of the guard can fail', async () => {
  let survivors = 0;
  for (let round = 0; round < 5 && survivors === 0; round++) {
    const renewed = await Promise.all((await signInWhileChanging(world)).map((intruder) => intruder.renew()));
    survivors = renewed.filter((answer) => answer.accessToken).length;
  }
  expect(survivors).toBeGreaterThan(0);
});
