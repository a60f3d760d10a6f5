/** Points in one answer. */
export const MAX_POINTS = 720;

/** Widths of a point, in minutes: people read times in these. */
const WIDTHS = [1, 2, 5, 15, 30, 60];

/** The smallest width of a point, in minutes, of which MAX_POINTS are as long as `minutes`, at most 43,200. */
export function widthOf(minutes: number): number {
  const width = WIDTHS.find((each) => minutes <= each * MAX_POINTS);
  if (width === undefined) throw new RangeError('longer than the widest points can be');
  return width;
}
