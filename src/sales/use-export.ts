import { rowsOf, SALES_EXPORTS } from '../commands/lock-order.ts';
import { type Caller, run, type Verb } from '../commands/runner.ts';

/** Why the link of an export is refused, for the log; undefined when the file may be sent. */
export type Refused = 'expired' | 'replayed' | undefined;

const USE: Verb<{ readonly id: string }, Refused> = {
  name: 'useExport',
  contends: ({ id }) => [`export:${id}`],
  locks: ({ id }) => ({ rows: [rowsOf(SALES_EXPORTS, [id])] }),
  decide({ asked: { id } }, scene) {
    const asked = scene.find(SALES_EXPORTS, id);
    // Exports are forgotten long after their links expired.
    return asked ? asked.use(scene.now) : 'expired';
  },
};

/**
 * Uses the link of an export up, at all processes.
 * @param id of the export, from a link whose signature was verified
 * @throws CallerError SERVICE_UNAVAILABLE when the caller has stopped waiting
 */
export function useExport(caller: Caller, id: string): Promise<Refused> {
  return run(caller, USE, { id });
}
