import { createHash, randomBytes } from 'node:crypto';
import { Field, ID, InputType, Int } from 'type-graphql';
import type { Context } from '../api/context.ts';
import { idOf, within } from '../api/input.ts';
import { notFound } from '../api/problems.ts';
import { sql } from '../platform/postgres.ts';
import { Queue } from './queue.ts';

@InputType({ description: 'count: 1 .. 10,000' })
export class IssuePriorityCodesInput {
  @Field(() => ID)
  queueId!: string;

  @Field(() => Int, { description: '1 .. 9' })
  priority!: number;

  @Field(() => Int)
  count!: number;
}

const CODE_BYTES = 16;

/** What is kept of a code: SHA-256 of its text. */
export function hashOfCode(code: string): Buffer {
  return createHash('sha256').update(code).digest();
}

/**
 * Makes codes of 128 random bits that open a higher lane of the queue. They are shown this once; their hashes are kept.
 * @throws CallerError NOT_FOUND for an unknown queue; BAD_USER_INPUT for numbers out of their bounds
 */
export async function issuePriorityCodes(context: Context, input: IssuePriorityCodesInput): Promise<string[]> {
  const queueId = idOf('queueId', input.queueId);
  within('priority', input.priority, 1, 9);
  within('count', input.count, 1, 10_000);
  if (!(await context.em.findOne(Queue, { id: queueId }))) throw notFound('queue');
  const codes = Array.from({ length: input.count }, () => randomBytes(CODE_BYTES).toString('base64url'));
  await sql(
    context.em,
    'insert into priority_code (hash, queue_id, priority) select decode(hash, $1), $2, $3 from unnest($4::text[]) as hash',
    ['hex', queueId, input.priority, codes.map((code) => hashOfCode(code).toString('hex'))],
  );
  return codes;
}
