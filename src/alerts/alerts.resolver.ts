import { Arg, Args, Ctx, Directive, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import { type Connection, PageArgs } from '../api/connection.ts';
import { type Context, load } from '../api/context.ts';
import { Alert, AlertChannel, AlertConnection, AlertStatus } from './alert.ts';
import { channelsById, readAlerts, readChannels } from './read-alerts.ts';
import { RegisterAlertChannelInput, registerAlertChannel } from './register-alert-channel.ts';
import { removeAlertChannel } from './remove-alert-channel.ts';
import { ScheduleAlertInput, scheduleAlert } from './schedule-alert.ts';
import { testAlertChannel } from './test-alert-channel.ts';

@Resolver(() => Alert)
export class AlertsResolver {
  @FieldResolver(() => AlertChannel, { description: 'Where it is sent to' })
  channel(@Root() alert: Alert, @Ctx() context: Context): Promise<AlertChannel> {
    return load(context, channelsById, alert.channelId);
  }

  @Directive('@operator')
  @Query(() => AlertConnection, {
    description: 'Alerts, newest first. One that is SENT or FAILED is forgotten 30 days after its `sendAt`',
  })
  alerts(
    @Args(() => PageArgs) args: PageArgs,
    @Arg('status', () => AlertStatus, { nullable: true, description: 'Only alerts with this status; all if left out' })
    status: AlertStatus | undefined,
    @Ctx() context: Context,
  ): Promise<Connection<Alert>> {
    return readAlerts(context, args, status);
  }

  @Directive('@operator')
  @Query(() => [AlertChannel], {
    description: 'All channels but those that were removed, oldest first',
  })
  alertChannels(@Ctx() context: Context): Promise<AlertChannel[]> {
    return readChannels(context);
  }

  @Directive('@operator')
  @Mutation(() => AlertChannel, {
    description: `Registers a channel: alerts can be sent to it, and those that Onsale raises itself are sent to it from now on. Answers
the channel. Error: \`BAD_USER_INPUT\` for a name out of its bounds and a URL that alerts are not sent to`,
  })
  registerAlertChannel(
    @Arg('input', () => RegisterAlertChannelInput, { description: 'The channel' }) input: RegisterAlertChannelInput,
    @Ctx() context: Context,
  ): Promise<AlertChannel> {
    return registerAlertChannel(context, input);
  }

  @Directive('@operator')
  @Mutation(() => Alert, {
    description: `Schedules a text for a channel. Answers the alert, SCHEDULED. Errors: \`NOT_FOUND\` for a channel that is unknown or
removed; \`BAD_USER_INPUT\` for a text out of its bounds`,
  })
  scheduleAlert(
    @Arg('input', () => ScheduleAlertInput, { description: 'The text, the channel and the time' })
    input: ScheduleAlertInput,
    @Ctx() context: Context,
  ): Promise<Alert> {
    return scheduleAlert(context, input);
  }

  @Directive('@operator')
  @Mutation(() => AlertChannel, {
    description: `Removes a channel: nothing is sent to it any more, and what is scheduled for it becomes FAILED. Answers the channel;
one that was removed before as it is. Error: \`NOT_FOUND\` for an unknown channel`,
  })
  removeAlertChannel(
    @Arg('id', () => ID, { description: 'Id of the channel' }) id: string,
    @Ctx() context: Context,
  ): Promise<AlertChannel> {
    return removeAlertChannel(context, id);
  }

  @Directive('@operator')
  @Mutation(() => Alert, {
    description:
      'Schedules, for now, a text that says it is a test. Answers the alert, SCHEDULED. Error: `NOT_FOUND` for a channel that is unknown or removed',
  })
  testAlertChannel(
    @Arg('id', () => ID, { description: 'Id of the channel' }) id: string,
    @Ctx() context: Context,
  ): Promise<Alert> {
    return testAlertChannel(context, id);
  }
}
