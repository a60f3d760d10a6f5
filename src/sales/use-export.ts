import { rowsOf, SALES_EXPORTS } from '../commands/lock-order.ts';
import { type Caller, run, type Verb } from '../commands/runner.ts';
import { forkOf } from '../platform/platform.ts';
import { sql } from '../platform/postgres.ts';

/** Why the link of an export is refused, for the log; undefined when the file may be sent. */
export type Refused = 'expired' | 'replayed' | 'signed out' | undefined;

interface Use {
  readonly id: string;
}

interface Known {
  /**
   * Whether who asked for the file has not had all sessions ended since and, unless an identity provider keeps the roles,
   * is an operator still.
   */
  readonly isGood: boolean;
}

const USE: Verb<Use, Refused, Known> = {
  name: 'useExport',
  contends: ({ id }) => [`export:${id}`],

  async prepare(platform, asked) {
    const rows = await sql<{ id: string }>(
      forkOf(platform),
      `select e.id from sales_export e join user_account u on u.id = e.user_id
       where e.id = any($1) and ($2 or u.role = 'OPERATOR') and coalesce(u.sessions_ended_at < e.created_at, true)`,
      [asked.map(({ id }) => id), platform.config.AUTH_JWKS_URL !== undefined],
    );
    return asked.map(({ id }) => ({ known: { isGood: rows.some((row) => row.id === id) } }));
  },

  locks: ({ id }) => ({ rows: [rowsOf(SALES_EXPORTS, [id])] }),
  decide({ asked: { id }, known }, scene) {
    const asked = scene.find(SALES_EXPORTS, id);
    // Exports are forgotten long after their links expired.
    if (!asked) return 'expired';
    return known.isGood ? asked.use(scene.now) : 'signed out';
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
