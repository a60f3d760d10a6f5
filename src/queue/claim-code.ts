import type { EntityManager } from '@mikro-orm/core';
import { sql } from '../platform/postgres.ts';
import { hashOfCode } from './issue-codes.ts';

/**
 * Makes the code the user's where it is nobody's; asking again is safe.
 * @returns the lane that the code opens; undefined for a code that is unknown, another queue's or another user's
 */
export async function claimCode(
  em: EntityManager,
  queueId: string,
  userId: string,
  code: string,
): Promise<string | undefined> {
  const [claimed] = await sql<{ priority: number }>(
    em,
    `update priority_code set user_id = $3, claimed_at = coalesce(claimed_at, clock_timestamp())
     where hash = $1 and queue_id = $2 and (user_id is null or user_id = $3) returning priority`,
    [hashOfCode(code), queueId, userId],
  );
  return claimed && String(claimed.priority);
}
