import type { SeatChangesSubscription, SeatOfMapFragment, SeatStatus } from '../gql/graphql.ts';

export type Seat = SeatOfMapFragment;
type Change = SeatChangesSubscription['seatChanges']['seats'][number];

/** Sizes in units of the plan; a seat is one CELL with the gap around it. */
export const CELL = 10;
export const SEAT = 8;
const ROW_LABEL = 12;
const SECTION_LABEL = 16;
const SECTION_GAP = 18;
export const STAGE_HEIGHT = 14;
const STAGE_GAP = 18;
/** A hall is drawn this much wider than high, as nearly as its sections allow. */
const ASPECT = 1.4;

/** Another row is as far as this many seats in the same one: people want to sit beside each other. */
const ROW_COSTS = 3;

/** A seat with its place in the plan: its upper left corner. */
export interface Placed {
  seat: Seat;
  readonly x: number;
  readonly y: number;
  readonly row: Row;
  /** Its index among the seats of its row. */
  readonly at: number;
}

export interface Row {
  readonly name: string;
  readonly section: Section;
  readonly seats: Placed[];
  readonly y: number;
}

export interface Section {
  readonly name: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly rows: Row[];
}

/**
 * The seats of a show, where they are drawn, and how they stand. The schema says which section, row and column a seat has;
 * sections stand beside and behind each other in their order, the first ones at the stage.
 */
export class Hall {
  readonly sections: readonly Section[];
  /** The rows of all sections, in their order. */
  readonly rows: readonly Row[];
  readonly placed: readonly Placed[];
  readonly width: number;
  readonly height: number;
  readonly #byId: Map<string, Placed>;
  readonly #listeners = new Set<(changed: readonly Placed[]) => void>();
  #free = 0;

  constructor(seats: readonly Seat[]) {
    const blocks = [...Map.groupBy(seats, ({ section }) => section).values()].map(sizeOf);
    const widths = blocks.flatMap((block, last) => [block.width, widthOf(blocks.slice(0, last + 1))]);
    const plans = widths.map((width) => arrange(blocks, width));
    const { sections, width, height } = plans.reduce((best, each) => (largest(each) < largest(best) ? each : best));
    this.sections = sections;
    this.width = width;
    this.height = height;
    this.rows = sections.flatMap(({ rows }) => rows);
    this.placed = this.rows.flatMap((row) => row.seats);
    this.#byId = new Map(this.placed.map((each) => [each.seat.id, each]));
    this.#free = this.placed.filter(({ seat }) => seat.status === 'AVAILABLE').length;
  }

  get free(): number {
    return this.#free;
  }

  find(id: string): Placed | undefined {
    return this.#byId.get(id);
  }

  /** Takes what the server says of some seats, unless more is known already. */
  apply(changes: readonly Change[]): void {
    const changed: Placed[] = [];
    for (const { id, status, price, revision } of changes) {
      const placed = this.#byId.get(id);
      if (placed && placed.seat.revision < revision) this.#set(placed, { status, price, revision }, changed);
    }
    this.#tell(changed);
  }

  /**
   * Takes the status of every seat, a letter each in the order of numbers.
   * @param except ids of seats that have changed since the states were asked for
   */
  applyStates(states: string, except: ReadonlySet<string>): void {
    const changed: Placed[] = [];
    for (const placed of this.placed) {
      if (except.has(placed.seat.id)) continue;
      const status = STATUS_OF[states.charAt(placed.seat.number - 1)];
      if (status) this.#set(placed, { status }, changed);
    }
    this.#tell(changed);
  }

  #set(placed: Placed, change: Partial<Seat>, changed: Placed[]): void {
    const before = placed.seat;
    placed.seat = { ...before, ...change };
    if (before.status === placed.seat.status && before.price === placed.seat.price) return;
    this.#free += Number(placed.seat.status === 'AVAILABLE') - Number(before.status === 'AVAILABLE');
    changed.push(placed);
  }

  #tell(changed: readonly Placed[]): void {
    if (changed.length > 0) for (const listener of this.#listeners) listener(changed);
  }

  /** Calls the listener with the seats that have changed. Returns how to stop. */
  watch(listener: (changed: readonly Placed[]) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** The seat at a point of the plan, or within half a seat of it. */
  at(x: number, y: number): Placed | undefined {
    for (const section of this.sections) {
      if (x < section.x - CELL || x > section.x + section.width + CELL) continue;
      if (y < section.y - CELL || y > section.y + section.height + CELL) continue;
      const row = section.rows.find((each) => Math.abs(y - each.y - SEAT / 2) <= CELL / 2);
      const found = row?.seats.find((each) => Math.abs(x - each.x - SEAT / 2) <= CELL / 2);
      if (found) return found;
    }
    return undefined;
  }

  /** The seat that is so many rows behind; of the next section where the section ends. */
  inRow(from: Placed, steps: number): Placed {
    const last = this.rows.length - 1;
    const row = this.rows[Math.min(last, Math.max(0, this.rows.indexOf(from.row) + steps))] ?? from.row;
    return nearest(row.seats, from) ?? from;
  }

  /**
   * Free seats in place of lost ones, as near to them as there are: beside each other where that is possible.
   * @param lost the seats that somebody else has
   * @param kept seats that are picked still, which are not offered again
   * @returns as many as were lost; none where fewer are free
   */
  nearby(lost: readonly Placed[], kept: readonly Placed[]): readonly Placed[] {
    const taken = new Set([...lost, ...kept]);
    const x = lost.reduce((sum, each) => sum + each.x, 0) / lost.length;
    const y = lost.reduce((sum, each) => sum + each.y, 0) / lost.length;
    const isFree = (each: Placed): boolean => each.seat.status === 'AVAILABLE' && !taken.has(each);
    const distance = (each: Placed): number => Math.hypot(each.x - x, ROW_COSTS * (each.y - y));
    const groups = this.rows
      .flatMap(({ seats }) => seats.map((_, from) => seats.slice(from, from + lost.length)))
      .filter((group) => group.length === lost.length && group.every(isFree) && areTogether(group))
      .map((group) => ({ group, far: group.reduce((sum, each) => sum + distance(each), 0) }));
    const best = groups.reduce<(typeof groups)[number] | undefined>(
      (least, each) => (least && least.far <= each.far ? least : each),
      undefined,
    );
    if (best) return best.group;
    const single = this.placed.filter(isFree).sort((one, other) => distance(one) - distance(other));
    return single.length < lost.length ? [] : single.slice(0, lost.length);
  }
}

const STATUS_OF: Readonly<Record<string, SeatStatus>> = { A: 'AVAILABLE', H: 'HELD', S: 'SOLD' };

interface Block {
  readonly seats: readonly Seat[];
  readonly rows: readonly (readonly Seat[])[];
  readonly width: number;
  readonly height: number;
}

function sizeOf(seats: readonly Seat[]): Block {
  const rows = [...Map.groupBy(seats, ({ row }) => row).values()];
  const columns = Math.max(...seats.map(({ column }) => column));
  const name = (seats[0]?.section ?? '') === '' ? 0 : SECTION_LABEL;
  return { seats, rows, width: columns * CELL + 2 * ROW_LABEL, height: rows.length * CELL + name };
}

interface Plan {
  readonly sections: Section[];
  readonly width: number;
  readonly height: number;
}

/** What of a plan decides how large it can be drawn. */
function largest({ width, height }: Plan): number {
  return Math.max(width / ASPECT, height);
}

/** Puts the blocks into lines that are no wider than `most`, unless a block is, each line in the middle of the hall. */
function arrange(blocks: readonly Block[], most: number): Plan {
  const lines: Block[][] = [];
  for (const block of blocks) {
    const line = lines.at(-1);
    if (line && widthOf([...line, block]) <= most) line.push(block);
    else lines.push([block]);
  }
  const width = Math.max(...lines.map(widthOf));
  let y = STAGE_HEIGHT + STAGE_GAP;
  const sections = lines.flatMap((line) => {
    let x = (width - widthOf(line)) / 2;
    const top = y;
    y += Math.max(...line.map(({ height }) => height)) + SECTION_GAP;
    return line.map((block) => {
      const left = x;
      x += block.width + SECTION_GAP;
      return place(block, left, top);
    });
  });
  return { sections, width, height: y - SECTION_GAP };
}

function widthOf(line: readonly Block[]): number {
  return line.reduce((sum, { width }) => sum + width, 0) + SECTION_GAP * (line.length - 1);
}

function place({ seats, rows, width, height }: Block, x: number, y: number): Section {
  const name = seats[0]?.section ?? '';
  const section: Section = { name, x, y, width, height, rows: [] };
  const top = y + (name === '' ? 0 : SECTION_LABEL);
  for (const [index, inRow] of rows.entries()) {
    const row: Row = { name: inRow[0]?.row ?? '', section, seats: [], y: top + index * CELL };
    for (const [at, seat] of inRow.entries()) {
      row.seats.push({ seat, x: x + ROW_LABEL + (seat.column - 1) * CELL + 1, y: row.y, row, at });
    }
    section.rows.push(row);
  }
  return section;
}

function nearest(seats: readonly Placed[], { x }: Placed): Placed | undefined {
  return seats.reduce<Placed | undefined>(
    (best, each) => (best && Math.abs(best.x - x) <= Math.abs(each.x - x) ? best : each),
    undefined,
  );
}

function areTogether(group: readonly Placed[]): boolean {
  return group.every((each, index) => index === 0 || each.seat.column === (group[index - 1]?.seat.column ?? 0) + 1);
}
