import type { Buyer } from './client.ts';
import { codesOf, enterWith, makeScheduled, openNow, shuffleOf } from './openings.ts';
import { leave, line, type Place } from './places.ts';
import type { World } from './world.ts';

/** A queue that was drawn: twelve plain entries and three with a code of priority 4, one who left before, one who came after. */
export interface DrawnQueue {
  readonly id: string;
  /** As it was told before the opening. */
  readonly commitment: string;
  readonly plain: Place[];
  readonly coded: Place[];
  readonly leaver: Place;
  readonly late: Place;
}

export async function makeDrawn(world: World, operator: Buyer): Promise<DrawnQueue> {
  const id = await makeScheduled(operator);
  const codes = await codesOf(operator, id, 4, 3);
  const plain = await line(await world.buyers(12), id);
  const coded = await Promise.all((await world.buyers(3)).map((buyer, i) => enterWith(buyer, id, codes[i] as string)));
  const [leaver] = (await line(await world.buyers(1), id)) as [Place];
  await leave(leaver);
  const { commitment } = await shuffleOf(world.urls[0] as string, id);
  await openNow(operator, id);
  const [late] = (await line(await world.buyers(1), id)) as [Place];
  return { id, commitment, plain, coded, leaver, late };
}
