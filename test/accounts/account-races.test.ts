import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '../support/builders.ts';
import { WITH_PROVIDER } from '../support/charges.ts';
import { deleteWhileCharging, demoteEachOther, signInWhileChanging } from '../support/sessions.ts';
import { World } from '../support/world.ts';

let world: World;
let here: string;
let there: string;
beforeAll(async () => {
  world = await World.open({ preload: './slow-commits.ts' });
  [here, there] = world.urls as [string, string];
});
afterAll(() => world.close());

it('of two operators who take the role from each other at the same time one stays', async () => {
  expect(await demoteEachOther(world)).toBe(1);
});

it('no money comes to an account that is deleted at the same time, and no charge that may still be paid', async () => {
  const { url: asking } = await world.startProcess(WITH_PROVIDER);
  for (const chargeAt of [there, asking, there, asking]) {
    const { isDeleted, came } = await deleteWhileCharging(world, here, chargeAt);
    expect(isDeleted).toBe(came === 0);
  }
});

it('a session that is opened with the old password while the password is changed has ended', async () => {
  const intruders = await signInWhileChanging(world);
  expect(intruders.length).toBeGreaterThan(0);
  for (const intruder of intruders) {
    await eventually(async () => (await intruder.state()) === 'UNAUTHENTICATED');
    expect(await intruder.renew()).toBe('UNAUTHENTICATED');
  }
});
