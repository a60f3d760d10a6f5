/** One promise of the product, measured beside its yardstick in the same run. */
export interface Row {
  readonly promise: string;
  /** What it is compared with; where there is nothing, the measured figure is judged by itself. */
  readonly yardstick: string;
  readonly measured: string;
  readonly against: string;
  /** What must and goal are about. */
  readonly ratio: number;
  readonly must: number;
  readonly goal: number;
  readonly unit: string;
  /** Whether more is better, or less. */
  readonly wanted: 'more' | 'less';
}

/** Measures one or several rows. @param more arguments of the command line after the row's name */
export type Measure = (more: readonly string[]) => Promise<Row[]>;

/**
 * Measures the rows of those names, all where there are none, and prints them as a table. Numbers among the names are
 * handed on to the rows.
 * @returns whether every row keeps its promise
 * @throws Error for an unknown name
 */
export async function benchRows(rows: Readonly<Record<string, Measure>>, more: readonly string[]): Promise<boolean> {
  const numbers = more.filter((word) => /^[\d.]+$/.test(word));
  const names = more.filter((word) => !numbers.includes(word));
  const unknown = names.filter((name) => !(name in rows));
  if (unknown.length > 0) throw new Error(`no row ${unknown.join(', ')}: there are ${Object.keys(rows).join(', ')}`);
  const measured: Row[] = [];
  for (const [name, measure] of Object.entries(rows)) {
    if (names.length > 0 && !names.includes(name)) continue;
    process.stderr.write(`measuring ${name} ...\n`);
    measured.push(...(await measure(numbers)));
  }
  process.stdout.write(`${tableOf(measured)}\n`);
  return measured.every(isKept);
}

const HEAD = ['promise', 'yardstick', 'measured', 'against', 'ratio', 'must', 'goal', 'ok'];

/** The rows as a table in Markdown. */
export function tableOf(rows: readonly Row[]): string {
  const cells = [HEAD, HEAD.map(() => '---'), ...rows.map(cellsOf)];
  const widths = HEAD.map((_name, column) => Math.max(...cells.map((row) => (row[column] ?? '').length)));
  return cells
    .map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`)
    .join('\n');
}

/** Whether the row keeps its promise. */
export function isKept({ ratio, must, wanted }: Row): boolean {
  return wanted === 'more' ? ratio >= must : ratio <= must;
}

function cellsOf(row: Row): string[] {
  const { promise, yardstick, measured, against, ratio, must, goal, unit } = row;
  const figure = (value: number): string => `${Number(value.toPrecision(3))} ${unit}`;
  const reached = row.wanted === 'more' ? ratio >= goal : ratio <= goal;
  return [
    promise,
    yardstick,
    measured,
    against,
    figure(ratio),
    figure(must),
    figure(goal),
    isKept(row) ? (reached ? 'goal' : 'yes') : 'NO',
  ];
}
