import {
  Arg,
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
import type { Connection } from '../api/connection.ts';
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
  @FieldResolver(() => Int, { description: 'Events that wait to be posted; 10,000 stands for that many or more' })
  async pending(@Root() webhook: Webhook, @Ctx() context: Context): Promise<number> {
    return (await load(context, trafficOfWebhooks, webhook.id)).pending;
  }

  @FieldResolver(() => String, {
    nullable: true,
    description: 'Why the newest event that was not taken failed: HTTP and the status, or the kind of error',
  })
  async lastError(@Root() webhook: Webhook, @Ctx() context: Context): Promise<string | null> {
    return (await load(context, trafficOfWebhooks, webhook.id)).lastError;
  }

  @FieldResolver(() => DateTime, { nullable: true, description: 'When an event was taken last' })
  async deliveredAt(@Root() webhook: Webhook, @Ctx() context: Context): Promise<Date | null> {
    return (await load(context, trafficOfWebhooks, webhook.id)).deliveredAt;
  }

  @Directive('@operator')
  @Query(() => [Webhook])
  webhooks(@Ctx() context: Context): Promise<Webhook[]> {
    return readWebhooks(context);
  }

  @Directive('@operator')
  @Query(() => DeadLetterConnection)
  deadLetters(
    @Arg('first', () => Int, { defaultValue: 20 }) first: number,
    @Arg('after', () => String, { nullable: true }) after: string | undefined,
    @Ctx() context: Context,
  ): Promise<Connection<DeadLetter>> {
    return readDeadLetters(context, first, after);
  }

  @Directive('@operator')
  @Mutation(() => NewWebhook)
  registerWebhook(
    @Arg('input', () => RegisterWebhookInput) input: RegisterWebhookInput,
    @Ctx() context: Context,
  ): Promise<NewWebhook> {
    return registerWebhook(context, input);
  }

  @Directive('@operator')
  @Mutation(() => NewWebhook, { description: 'For 24 hours deliveries are signed with both secrets' })
  rotateWebhookSecret(@Arg('id', () => ID) id: string, @Ctx() context: Context): Promise<NewWebhook> {
    return rotateWebhookSecret(context, id);
  }

  @Directive('@operator')
  @Mutation(() => Webhook, { description: 'What waits for it is dropped' })
  removeWebhook(@Arg('id', () => ID) id: string, @Ctx() context: Context): Promise<Webhook> {
    return removeWebhook(context, id);
  }

  @Directive('@operator')
  @Mutation(() => Int, { description: 'Posts dead letters again, of one webhook or of all; answers how many' })
  replayDeadLetters(
    @Arg('webhookId', () => ID, { nullable: true }) webhookId: string | undefined,
    @Ctx() context: Context,
  ): Promise<number> {
    return replayDeadLetters(context, webhookId);
  }

  @Directive('@operator')
  @Subscription(() => SalesEventBatch, {
    description: 'What is committed from now on, of one show or of all; at most 4 batches a second',
    topics: SALES_EVENTS_TOPIC.name,
    topicId: ({ args, context }): Subject => ({
      platform: (context as Context).platform,
      id: typeof args.showId === 'string' ? idOf('showId', args.showId) : ALL_SHOWS,
    }),
  })
  salesEvents(
    @Arg('showId', () => ID, { nullable: true }) _showId: string | undefined,
    @Root() batch: SalesEventBatch,
  ): SalesEventBatch {
    return batch;
  }
}
