/** The fields of a free seat that picking needs. */
export interface FreeSeat {
  readonly id: string;
  readonly rowIndex: number;
  readonly columnIndex: number;
  readonly rowLength: number;
}

/** Adjacent free seats of one row, by column. */
type Run = readonly FreeSeat[];

/** Splits free seats into runs of adjacent seats. @param seats sorted by row, then by column */
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
 * Picks `count` adjacent seats: in the row nearest the front that has them, nearest the middle of that row.
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
 * Picks `count` seats in the smallest number of groups: the longest runs first, and the remaining seats by
 * `bestTogether` once a run is long enough for all of them.
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

/** Distance from the middle of adjacent seats to the middle of their row, in half seats. */
function offMiddle(seats: readonly FreeSeat[]): number {
  const [first] = seats;
  if (!first) return 0;
  return Math.abs(2 * first.columnIndex + seats.length - first.rowLength);
}
