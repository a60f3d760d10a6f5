import type { Data } from './client.ts';
import type { World } from './world.ts';

/** A row of the operators' log. */
export interface LogRow {
  readonly operatorId: string;
  readonly mutation: string;
  readonly requestId: string | null;
  readonly subjectIds: string[];
  readonly before: Data[];
  readonly after: Data[];
}

/** All rows, oldest first, read past the product. */
export async function logOf({ pool }: World): Promise<LogRow[]> {
  const { rows } = await pool.query<LogRow>(`select operator_id as "operatorId", mutation, request_id as "requestId",
    subject_ids as "subjectIds", before, after from operator_log order by id`);
  return rows;
}
