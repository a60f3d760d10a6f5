import type { Context } from '../api/context.ts';
import { idOf } from '../api/input.ts';
import { notFound } from '../api/problems.ts';
import { rowsOf, WEBHOOKS } from '../commands/lock-order.ts';
import { run, type Verb } from '../commands/runner.ts';
import { NewWebhook, type Webhook } from './webhook.ts';

const ROTATE: Verb<{ readonly id: string }, Webhook> = {
  name: 'rotateWebhookSecret',
  contends: ({ id }) => [`webhook:${id}`],
  locks: ({ id }) => ({ rows: [rowsOf(WEBHOOKS, [id])] }),
  decide({ asked: { id } }, scene) {
    const webhook = scene.find(WEBHOOKS, id);
    if (!webhook || webhook.removedAt) throw notFound('webhook');
    webhook.rotate(scene.now);
    return webhook;
  },
};

/**
 * Gives a webhook a new secret. For 24 hours after a rotation deliveries are signed by the
 * secret before it too.
 * @returns the webhook, and the new secret, which is not shown again
 * @throws CallerError NOT_FOUND for a webhook that is unknown or removed
 */
export async function rotateWebhookSecret(context: Context, id: string): Promise<NewWebhook> {
  const webhook = await run(context, ROTATE, { id: idOf('id', id) });
  return Object.assign(new NewWebhook(), { webhook, secret: webhook.secret });
}
