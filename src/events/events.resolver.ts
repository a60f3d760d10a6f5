import {
  Arg,
  Args,
  Ctx,
  Directive,
  FieldResolver,
  ID,
  Int,
  Mutation,
  Query,
  Resolver,
  Root,
  Subscription,
} from 'type-graphql';
import { type Connection, PageArgs } from '../api/connection.ts';
import { type Context, load } from '../api/context.ts';
import { idOf } from '../api/input.ts';
import { DateTime } from '../api/scalars.ts';
import type { Subject } from '../platform/topics.ts';
import {
  type DeadLetter,
  DeadLetterConnection,
  readDeadLetters,
  readWebhooks,
  trafficOfWebhooks,
} from './read-webhooks.ts';
import { RegisterWebhookInput, registerWebhook } from './register-webhook.ts';
import { removeWebhook } from './remove-webhook.ts';
import { replayDeadLetters } from './replay-dead-letters.ts';
import { rotateWebhookSecret } from './rotate-webhook-secret.ts';
import { ALL_SHOWS, SALES_EVENTS_TOPIC, SalesEventBatch } from './sales-events.ts';
import { NewWebhook, Webhook } from './webhook.ts';

@Resolver(() => Webhook)
export class EventsResolver {
  @FieldResolver(() => Int, { description: 'How many events wait to be posted; 10,000 means that many or more' })
  async pending(@Root() webhook: Webhook, @Ctx() context: Context): Promise<number> {
    return (await load(context, trafficOfWebhooks, webhook.id)).pending;
  }

  @FieldResolver(() => String, {
    nullable: true,
    description: 'Why the newest event that was not taken failed, such as HTTP 500 or TIMEOUT; null for none',
  })
  async lastError(@Root() webhook: Webhook, @Ctx() context: Context): Promise<string | null> {
    return (await load(context, trafficOfWebhooks, webhook.id)).lastError;
  }

  @FieldResolver(() => DateTime, { nullable: true, description: 'When it last took an event; null before the first' })
  async deliveredAt(@Root() webhook: Webhook, @Ctx() context: Context): Promise<Date | null> {
    return (await load(context, trafficOfWebhooks, webhook.id)).deliveredAt;
  }

  @Directive('@operator')
  @Query(() => [Webhook], { description: 'All webhooks but those that were removed, the oldest first' })
  webhooks(@Ctx() context: Context): Promise<Webhook[]> {
    return readWebhooks(context);
  }

  @Directive('@operator')
  @Query(() => DeadLetterConnection, { description: 'Events that webhooks did not take, newest first' })
  deadLetters(@Args(() => PageArgs) args: PageArgs, @Ctx() context: Context): Promise<Connection<DeadLetter>> {
    return readDeadLetters(context, args);
  }

  @Directive('@operator')
  @Mutation(() => NewWebhook, {
    description: `Registers a webhook: events of these types are posted to it from now on, signed as Standard Webhooks say. Answers the
webhook and its secret, which is not shown again. Error: \`BAD_USER_INPUT\` for a URL that nothing is posted to, no
types, and an unknown type`,
  })
  registerWebhook(
    @Arg('input', () => RegisterWebhookInput, { description: 'Where which events are posted' })
    input: RegisterWebhookInput,
    @Ctx() context: Context,
  ): Promise<NewWebhook> {
    return registerWebhook(context, input);
  }

  @Directive('@operator')
  @Mutation(() => NewWebhook, {
    description: `Gives a webhook a new secret. For 24 hours deliveries are signed with the former one too. Answers the webhook and the
new secret, which is not shown again. Error: \`NOT_FOUND\` for a webhook that is unknown or removed`,
  })
  rotateWebhookSecret(
    @Arg('id', () => ID, { description: 'Id of the webhook' }) id: string,
    @Ctx() context: Context,
  ): Promise<NewWebhook> {
    return rotateWebhookSecret(context, id);
  }

  @Directive('@operator')
  @Mutation(() => Webhook, {
    description:
      'Removes a webhook: what waits for it is dropped. Answers the webhook. Error: `NOT_FOUND` for an unknown webhook',
  })
  removeWebhook(
    @Arg('id', () => ID, { description: 'Id of the webhook' }) id: string,
    @Ctx() context: Context,
  ): Promise<Webhook> {
    return removeWebhook(context, id);
  }

  @Directive('@operator')
  @Mutation(() => Int, {
    description: `Posts dead letters again, for another day, after newer events that were taken meanwhile. Answers how many wait again;
asked again, it goes on with what is left. Error: \`NOT_FOUND\` for a webhook that is unknown or removed`,
  })
  replayDeadLetters(
    @Arg('webhookId', () => ID, {
      nullable: true,
      description: 'Id of the webhook whose dead letters are posted; those of all if left out',
    })
    webhookId: string | undefined,
    @Ctx() context: Context,
  ): Promise<number> {
    return replayDeadLetters(context, webhookId);
  }

  @Directive('@operator')
  @Subscription(() => SalesEventBatch, {
    description:
      'Events that are committed from now on, of one show or of all; at most 4 batches a second. Error: `NOT_FOUND` for an unknown show',
    topics: SALES_EVENTS_TOPIC.name,
    topicId: ({ args, context }): Subject => ({
      platform: (context as Context).platform,
      id: typeof args.showId === 'string' ? idOf('showId', args.showId) : ALL_SHOWS,
    }),
  })
  salesEvents(
    @Arg('showId', () => ID, {
      nullable: true,
      description: 'Id of the show whose events are told; all events if left out',
    })
    _showId: string | undefined,
    @Root() batch: SalesEventBatch,
  ): SalesEventBatch {
    return batch;
  }
}
