import type { Context } from '../api/context.ts';
import { idOf } from '../api/input.ts';
import { notFound } from '../api/problems.ts';
import { type Deed, logDeed } from '../commands/operator-log.ts';
import { runAlone } from '../commands/runner.ts';
import { Webhook } from './webhook.ts';
import { reviveDeadLetters } from './webhook-backlogs.ts';

/**
 * Posts dead letters again, for another day. They come after newer events of their subject that were taken meanwhile;
 * receivers compare `sequence`.
 * @param webhookIdText whose dead letters; undefined for all
 * @returns how many wait again; the rest is left when the time of the request is used up
 * @throws CallerError NOT_FOUND for a webhook that is unknown or removed
 */
export async function replayDeadLetters(context: Context, webhookIdText: string | undefined): Promise<number> {
  const webhookId = typeof webhookIdText === 'string' ? idOf('webhookId', webhookIdText) : null;
  if (webhookId !== null && !(await context.em.findOne(Webhook, { id: webhookId, removedAt: null }))) {
    throw notFound('webhook');
  }
  let count = 0;
  for (let revived = 1; revived > 0 && !context.isOver(); count += revived) {
    revived = await runAlone(context.platform, async (em) => {
      const some = await reviveDeadLetters(em, webhookId);
      if (some > 0 || count === 0) await logDeed(em, context, replayed(webhookId, some));
      return some;
    });
  }
  return count;
}

function replayed(webhookId: string | null, count: number): Deed {
  const replay = { type: 'DeadLetters', webhookId, count };
  return { subjectIds: webhookId === null ? [] : [webhookId], before: [], after: [replay] };
}
