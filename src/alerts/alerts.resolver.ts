import { Arg, Ctx, Directive, FieldResolver, ID, Int, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { Connection } from '../api/connection.ts';
import { type Context, load } from '../api/context.ts';
import { Alert, AlertChannel, AlertConnection, AlertStatus } from './alert.ts';
import { channelsById, readAlerts, readChannels } from './read-alerts.ts';
import { RegisterAlertChannelInput, registerAlertChannel } from './register-alert-channel.ts';
import { removeAlertChannel } from './remove-alert-channel.ts';
import { ScheduleAlertInput, scheduleAlert } from './schedule-alert.ts';
import { testAlertChannel } from './test-alert-channel.ts';

@Resolver(() => Alert)
export class AlertsResolver {
  @FieldResolver(() => AlertChannel)
  channel(@Root() alert: Alert, @Ctx() context: Context): Promise<AlertChannel> {
    return load(context, channelsById, alert.channelId);
  }

  @Directive('@operator')
  @Query(() => AlertConnection, {
    description: 'Newest first. One that was SENT or FAILED is forgotten 30 days after its sendAt',
  })
  alerts(
    @Arg('first', () => Int, { defaultValue: 20 }) first: number,
    @Arg('after', () => String, { nullable: true }) after: string | undefined,
    @Arg('status', () => AlertStatus, { nullable: true }) status: AlertStatus | undefined,
    @Ctx() context: Context,
  ): Promise<Connection<Alert>> {
    return readAlerts(context, first, after, status);
  }

  @Directive('@operator')
  @Query(() => [AlertChannel], {
    description: 'The channels that alerts are sent to, oldest first; those that were removed are left out',
  })
  alertChannels(@Ctx() context: Context): Promise<AlertChannel[]> {
    return readChannels(context);
  }

  @Directive('@operator')
  @Mutation(() => AlertChannel, {
    description: 'From now on every alert that Onsale raises itself is sent there too',
  })
  registerAlertChannel(
    @Arg('input', () => RegisterAlertChannelInput) input: RegisterAlertChannelInput,
    @Ctx() context: Context,
  ): Promise<AlertChannel> {
    return registerAlertChannel(context, input);
  }

  @Directive('@operator')
  @Mutation(() => Alert)
  scheduleAlert(
    @Arg('input', () => ScheduleAlertInput) input: ScheduleAlertInput,
    @Ctx() context: Context,
  ): Promise<Alert> {
    return scheduleAlert(context, input);
  }

  @Directive('@operator')
  @Mutation(() => AlertChannel, {
    description:
      'Ends a channel: what is scheduled for it becomes FAILED. One that was removed before answers the same again',
  })
  removeAlertChannel(@Arg('id', () => ID) id: string, @Ctx() context: Context): Promise<AlertChannel> {
    return removeAlertChannel(context, id);
  }

  @Directive('@operator')
  @Mutation(() => Alert, { description: 'Schedules a text for now that says it is a test' })
  testAlertChannel(@Arg('id', () => ID) id: string, @Ctx() context: Context): Promise<Alert> {
    return testAlertChannel(context, id);
  }
}
