import type { Measure } from '../load/row.ts';
import { measureCrowd } from './crowd-of-subscribers.ts';
import { measureLine } from './line-at-scale.ts';
import { measureMemory } from './memory.ts';
import { measurePollLatency } from './poll-latency.ts';
import { measureLog, measurePolls } from './polls.ts';
import { measurePushes } from './pushes.ts';

/** The queue's rows by name, in the order in which they are measured. */
export const QUEUE_ROWS: Record<string, Measure> = {
  polls: measurePolls,
  log: measureLog,
  'poll-latency': measurePollLatency,
  line: measureLine,
  pushes: measurePushes,
  memory: measureMemory,
  crowd: measureCrowd,
};
