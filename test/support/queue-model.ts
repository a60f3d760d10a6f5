/** A place as the model has it: whose, and under which token. */
export interface ModelPlace {
  readonly user: string;
  readonly token: string;
  /** '0' to '9': higher ones go first. */
  lane: string;
}

/** What a queue should do, done the slow way: lists that are searched from the front. */
export class QueueModel {
  readonly waiting: ModelPlace[] = [];
  readonly active: ModelPlace[] = [];
  /** Those of `active` whose time is over, the one that ran out first in front. */
  readonly overdue: ModelPlace[] = [];
  readonly ended: ModelPlace[] = [];
  capacity = 0;
  reenter = false;
  state: 'OPEN' | 'PAUSED' | 'CLOSED' = 'OPEN';

  /** 1 is the next. */
  position(place: ModelPlace): number {
    return this.waiting.indexOf(place) + 1;
  }

  live(): ModelPlace[] {
    return [...this.waiting, ...this.active];
  }

  /** At the back of the place's lane. */
  enter(place: ModelPlace): void {
    const behind = this.waiting.findIndex(({ lane }) => lane < place.lane);
    this.waiting.splice(behind < 0 ? this.waiting.length : behind, 0, place);
  }

  /** To the back of a higher lane; a lower one changes nothing. */
  move(place: ModelPlace, lane: string): void {
    if (lane <= place.lane) return;
    this.waiting.splice(this.waiting.indexOf(place), 1);
    place.lane = lane;
    this.enter(place);
  }

  end(place: ModelPlace): void {
    for (const list of [this.waiting, this.active, this.overdue]) {
      const index = list.indexOf(place);
      if (index >= 0) list.splice(index, 1);
    }
    this.ended.push(place);
  }

  /** Finds out about a place whose time is over. */
  settle(place: ModelPlace): void {
    if (!this.overdue.includes(place)) return;
    this.end(place);
    if (!this.reenter || this.state === 'CLOSED') return;
    this.ended.pop();
    this.enter(place);
  }

  close(): void {
    this.state = 'CLOSED';
    for (const place of [...this.waiting]) this.end(place);
  }

  tick(): void {
    for (const place of [...this.overdue]) this.settle(place);
    while (this.state === 'OPEN' && this.active.length < this.capacity && this.waiting.length > 0) {
      this.active.push(this.waiting.shift() as ModelPlace);
    }
  }
}
