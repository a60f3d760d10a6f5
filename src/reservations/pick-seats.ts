/** A free seat, as far as picking goes. */
export interface FreeSeat {
  readonly id: string;
  readonly rowIndex: number;
  readonly columnIndex: number;
  readonly rowLength: number;
}

/** Free seats side by side in one row, by column. */
type Run = readonly FreeSeat[];

/** Cuts free seats, given row by row and by column, into runs of seats side by side. */
export function runsOf(seats: readonly FreeSeat[]): Run[] {
  const runs: FreeSeat[][] = [];
  for (const seat of seats) {
    const run = runs.at(-1);
    const last = run?.at(-1);
    if (run && last?.rowIndex === seat.rowIndex && last.columnIndex + 1 === seat.columnIndex) run.push(seat);
    else runs.push([seat]);
  }
  return runs;
}

/**
 * The best `count` seats side by side: in the row nearest the front that has them, nearest its middle.
 * @returns undefined when no run is long enough
 */
export function bestTogether(runs: readonly Run[], count: number): FreeSeat[] | undefined {
  const row = runs.find((run) => run.length >= count)?.[0]?.rowIndex;
  if (row === undefined) return undefined;
  let best: { seats: FreeSeat[]; off: number } | undefined;
  for (const run of runs.filter((candidate) => candidate[0]?.rowIndex === row)) {
    for (let start = 0; start + count <= run.length; start++) {
      const seats = run.slice(start, start + count);
      const off = offMiddle(seats);
      if (!best || off < best.off) best = { seats, off };
    }
  }
  return best?.seats;
}

/**
 * `count` seats in the smallest number of groups: the longest runs first, and for what is left the best place that
 * takes it whole.
 * @returns undefined when fewer seats are free
 */
export function fewestGroups(runs: readonly Run[], count: number): FreeSeat[] | undefined {
  const left = [...runs];
  const picked: FreeSeat[] = [];
  while (picked.length < count) {
    const rest = bestTogether(left, count - picked.length);
    if (rest) return [...picked, ...rest];
    const longest = left.reduce((best, run) => (run.length > (best?.length ?? 0) ? run : best), left[0]);
    if (!longest) return undefined;
    picked.push(...longest);
    left.splice(left.indexOf(longest), 1);
  }
  return picked;
}

/** How far the middle of seats side by side is from the middle of their row, in half seats. */
function offMiddle(seats: readonly FreeSeat[]): number {
  const [first] = seats;
  if (!first) return 0;
  return Math.abs(2 * first.columnIndex + seats.length - first.rowLength);
}
