import { Field, InputType } from 'type-graphql';
import type { Context } from '../api/context.ts';
import { textOf } from '../api/input.ts';
import { badInput } from '../api/problems.ts';
import { EVENT_TYPES, isEventType } from '../commands/event-types.ts';
import { run, type Verb } from '../commands/runner.ts';
import { judgeUrl } from '../platform/outgoing.ts';
import { NewWebhook, Webhook } from './webhook.ts';

@InputType({ description: 'Where which events are posted' })
export class RegisterWebhookInput {
  @Field(() => String, {
    description:
      'An https URL that takes a POST, at most 2,000 characters; an answer of 2xx within 5 seconds means that the event was taken',
  })
  url!: string;

  @Field(() => [String], {
    description:
      'Types of the events that are posted, at least one, such as payment.completed.v1; schema/events/ lists them',
  })
  events!: string[];
}

const MAX_URL_CHARACTERS = 2_000;

const REGISTER: Verb<RegisterWebhookInput, Webhook> = {
  name: 'registerWebhook',
  contends: () => [],
  locks: () => ({}),
  decide({ asked: { url, events } }, scene) {
    const webhook = Webhook.register(url, events, scene.now);
    scene.insert(webhook);
    return webhook;
  },
};

/**
 * Registers a webhook: the events of the given types that are emitted from now on are posted to it.
 * @returns the webhook, and the secret of its signatures, which is not shown again
 * @throws CallerError BAD_USER_INPUT for a URL that `judgeUrl` refuses, no types, or an unknown one
 */
export async function registerWebhook(context: Context, input: RegisterWebhookInput): Promise<NewWebhook> {
  const judged = judgeUrl(textOf('input.url', input.url, 1, MAX_URL_CHARACTERS), context.platform.config);
  if ('fault' in judged) throw badInput('input.url', judged.fault);
  const events = [...new Set(input.events)];
  if (events.length === 0 || !events.every(isEventType)) {
    throw badInput('input.events', `must be one or more of: ${Object.keys(EVENT_TYPES).join(', ')}`);
  }
  const webhook = await run(context, REGISTER, { url: judged.url, events });
  return Object.assign(new NewWebhook(), { webhook, secret: webhook.secret });
}
