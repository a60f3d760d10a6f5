import type { Context } from '../api/context.ts';
import { idOf } from '../api/input.ts';
import { notFound } from '../api/problems.ts';
import { rowsOf, WEBHOOKS } from '../commands/lock-order.ts';
import { run, type Verb } from '../commands/runner.ts';
import type { Webhook } from './webhook.ts';

const REMOVE: Verb<{ readonly id: string }, Webhook> = {
  name: 'removeWebhook',
  contends: ({ id }) => [`webhook:${id}`],
  locks: ({ id }) => ({ rows: [rowsOf(WEBHOOKS, [id])] }),
  decide({ asked: { id } }, scene) {
    const webhook = scene.find(WEBHOOKS, id);
    if (!webhook) throw notFound('webhook');
    webhook.remove(scene.now);
    return webhook;
  },
};

/**
 * Removes a webhook: what waits for it is dropped. What is being posted at this moment may still arrive. One that was removed stays so.
 * @returns the webhook
 * @throws CallerError NOT_FOUND for an unknown webhook
 */
export function removeWebhook(context: Context, id: string): Promise<Webhook> {
  return run(context, REMOVE, { id: idOf('id', id) });
}
