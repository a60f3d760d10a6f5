import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { eventually } from './builders.ts';
import type { Buyer } from './client.ts';
import { codesOf, crowd, enterWith, expectedOrder, makeScheduled, openNow, publicIdOf, shuffleOf } from './openings.ts';
import { leave, line, type Place } from './places.ts';
import type { AppProcess } from './process.ts';
import type { World } from './world.ts';

/** So many that the lowest lane is read and written in two parts. */
const PLAIN = 1_020;
const CODED = 4;

/** A SCHEDULED queue full of entries, and what becomes of them while its opening is under way. */
export class InterruptedOpening {
  readonly world: World;
  readonly operator: Buyer;
  readonly queueId: string;
  readonly plain: Place[];
  readonly coded: Place[];
  readonly codes: string[];
  /** Those who stand in the lane of the codes and in the lowest one behind whoever was drawn. */
  readonly lateCoded: Place[] = [];
  readonly late: Place[] = [];
  readonly gone: Place[] = [];

  private constructor(world: World, operator: Buyer, queueId: string, codes: string[], lanes: [Place[], Place[]]) {
    this.world = world;
    this.operator = operator;
    this.queueId = queueId;
    this.codes = codes;
    [this.plain, this.coded] = lanes;
  }

  static async make(world: World): Promise<InterruptedOpening> {
    const operator = await world.operator();
    const queueId = await makeScheduled(operator);
    const codes = await codesOf(operator, queueId, 5, CODED + 1);
    const url = world.urls[0] as string;
    const buyers = (await world.buyers(PLAIN + CODED)).map((buyer) => buyer.at(url));
    const plain = await crowd(buyers.slice(CODED), queueId);
    const coded = await Promise.all(
      buyers.slice(0, CODED).map((buyer, index) => enterWith(buyer, queueId, codes[index] as string)),
    );
    return new InterruptedOpening(world, operator, queueId, codes, [plain, coded]);
  }

  /** One leaves, one comes, one shows a code, by way of a process that does not draw. */
  async disturb(): Promise<void> {
    const [leaver, mover] = this.plain as [Place, Place];
    await leave(leaver);
    this.gone.push(leaver, mover);
    this.lateCoded.push(await enterWith(mover.buyer, this.queueId, this.codes[CODED] as string));
    const newcomer = (await this.world.buyer()).at(this.world.urls[0] as string);
    this.late.push(...(await line([newcomer], this.queueId)));
  }

  /** Everybody in the order in which they must stand, by what anybody is told of the draw. */
  async expected(): Promise<{ told: string[][]; right: string[][]; places: Place[] }> {
    const url = this.world.urls[0] as string;
    const [high, low] = [await shuffleOf(url, this.queueId, { priority: 5 }), await shuffleOf(url, this.queueId)];
    const lanes = [this.coded, this.plain].map((places) => places.map(publicIdOf));
    const placeOf = new Map([...this.coded, ...this.plain].map((place) => [publicIdOf(place), place]));
    const standing = (order: string[]): Place[] =>
      order.map((id) => placeOf.get(id) as Place).filter((place) => !this.gone.includes(place));
    return {
      told: [high.order, low.order],
      right: lanes.map((lane) => expectedOrder(low.seed ?? '', lane, lanes.flat())),
      places: [...standing(high.order), ...this.lateCoded, ...standing(low.order), ...this.late],
    };
  }
}

/** Lets `doomed` open the queue while nobody else runs; resolves when the signal has stopped it. */
export async function interrupt(opening: InterruptedOpening, doomed: AppProcess): Promise<void> {
  const [other] = opening.world.processes as [AppProcess];
  other.child.kill('SIGSTOP');
  const ended = once(doomed.child, 'exit');
  openNow(opening.operator.at(doomed.url).hasty(), opening.queueId).catch(() => undefined);
  await Promise.race([ended, eventually(() => isStopped(doomed))]);
}

/** The process that `interrupt` held up goes on. */
export function resume({ world }: InterruptedOpening): void {
  world.processes[0]?.child.kill('SIGCONT');
}

async function isStopped({ child }: AppProcess): Promise<boolean> {
  const stat = await readFile(`/proc/${child.pid}/stat`, 'utf8').catch(() => '');
  return / T /.test(stat);
}
