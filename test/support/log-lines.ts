import { eventually } from './builders.ts';
import type { Data } from './client.ts';
import type { AppProcess } from './process.ts';

/** What a process has logged so far, line by line. */
export function linesOf({ log }: AppProcess): Data[] {
  return log()
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

/** The lines that satisfy `wanted`, once there are `count` of them; fails when there never are. */
export async function linesThat(started: AppProcess, wanted: (line: Data) => boolean, count = 1): Promise<Data[]> {
  await eventually(() => linesOf(started).filter(wanted).length >= count);
  return linesOf(started).filter(wanted);
}

/** The only line under the id of a request, once it is there. */
export async function lineUnder(started: AppProcess, requestId: string): Promise<Data> {
  const lines = await linesThat(started, (line) => line.requestId === requestId);
  if (lines.length > 1) throw new Error(`${requestId} has ${lines.length} lines: ${JSON.stringify(lines)}`);
  return lines[0];
}
