/** Where a buyer can be: `missed` got no place in the queue, `trouble` met what should not be. */
const STAGES = ['coming', 'waiting', 'active', 'bought', 'left', 'ranOut', 'missed', 'trouble'] as const;
export type Stage = (typeof STAGES)[number];

const NAMES: Record<Stage, string> = {
  coming: 'coming',
  waiting: 'waiting',
  active: 'active',
  bought: 'bought',
  left: 'left',
  ranOut: 'ran out',
  missed: 'missed',
  trouble: 'trouble',
};
/** Complaints told at the end. */
const MAX_COMPLAINTS = 5;

/** Counts where everybody is. */
export class Tally {
  readonly #stages = new Map<string, Stage>();
  readonly #count: number;
  readonly #begun = Date.now();
  readonly #complaints = new Map<string, number>();
  #seats = 0;
  #waitedMs: number[] = [];

  constructor(count: number) {
    this.#count = count;
  }

  move(buyer: string, stage: Stage): void {
    this.#stages.set(buyer, stage);
  }

  addSeats(seats: number): void {
    this.#seats += seats;
  }

  /** Somebody was let in after so long. */
  addWait(milliseconds: number): void {
    this.#waitedMs.push(milliseconds);
  }

  complain(buyer: string, error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    this.#complaints.set(text, (this.#complaints.get(text) ?? 0) + 1);
    this.move(buyer, 'trouble');
  }

  /** One line: where everybody is now. */
  line(): string {
    const counts = this.#counts();
    const shown = STAGES.filter((stage) => counts[stage] > 0);
    const seconds = String(Math.round((Date.now() - this.#begun) / 1_000)).padStart(4);
    return [`${seconds} s`, ...shown.map((stage) => `${NAMES[stage]} ${String(counts[stage]).padStart(4)}`)].join(
      '   ',
    );
  }

  /** @param end why it ends */
  summary(end: string): string {
    const waits = this.#waitedMs.sort((a, b) => a - b);
    const median = waits[Math.floor(waits.length / 2)];
    const waited = median === undefined ? '' : `; half of those let in waited less than ${Math.ceil(median / 1_000)} s`;
    const complaints = [...this.#complaints].slice(0, MAX_COMPLAINTS).map(([text, times]) => `  ${times} x ${text}`);
    return [`The crowd is over: ${end}.`, `${this.#seats} seats bought${waited}`, ...complaints].join('\n');
  }

  #counts(): Record<Stage, number> {
    const counts = Object.fromEntries(STAGES.map((stage) => [stage, 0])) as Record<Stage, number>;
    for (const stage of this.#stages.values()) counts[stage]++;
    counts.coming += this.#count - this.#stages.size;
    return counts;
  }
}
