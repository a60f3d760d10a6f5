import { randomBytes } from 'node:crypto';
import { Field, ID, InputType, Int } from 'type-graphql';
import type { Context } from '../api/context.ts';
import { idOf, within } from '../api/input.ts';
import { notFound } from '../api/problems.ts';
import { logDeed } from '../commands/operator-log.ts';
import { runAlone } from '../commands/runner.ts';
import { PriorityCode, Queue } from './queue.ts';

@InputType({ description: 'How many codes, of which priority, for which queue' })
export class IssuePriorityCodesInput {
  @Field(() => ID, { description: 'Id of the queue' })
  queueId!: string;

  @Field(() => Int, { description: '1 .. 9; higher ones are admitted first' })
  priority!: number;

  @Field(() => Int, { description: 'How many codes, 1 .. 10,000' })
  count!: number;
}

const CODE_BYTES = 16;

/** Codes written in one statement. */
const MAX_ROWS = 1_000;

/**
 * Makes codes of 128 random bits that open a higher lane of the queue, and keeps their hashes.
 * @returns the codes, which are not shown again
 * @throws CallerError NOT_FOUND for an unknown queue; BAD_USER_INPUT for numbers out of their bounds
 */
export async function issuePriorityCodes(context: Context, input: IssuePriorityCodesInput): Promise<string[]> {
  const queueId = idOf('input.queueId', input.queueId);
  within('input.priority', input.priority, 1, 9);
  within('input.count', input.count, 1, 10_000);
  if (!(await context.em.findOne(Queue, { id: queueId }))) throw notFound('queue');
  const codes = Array.from({ length: input.count }, () => randomBytes(CODE_BYTES).toString('base64url'));
  const rows = codes.map((code) => ({ hash: PriorityCode.hashOf(code), queueId, priority: input.priority }));
  const { priority, count } = input;
  const issued = { type: 'PriorityCode', queueId, priority, count };
  await runAlone(context.platform, async (em) => {
    for (let from = 0; from < rows.length; from += MAX_ROWS) {
      await em.insertMany(PriorityCode, rows.slice(from, from + MAX_ROWS));
    }
    await logDeed(em, context, { subjectIds: [queueId], before: [], after: [issued] });
  });
  return codes;
}
