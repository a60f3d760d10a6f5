import { Arg, Ctx, Directive, FieldResolver, Int, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { Connection } from '../api/connection.ts';
import { type Context, load } from '../api/context.ts';
import { Alert, AlertChannel, AlertConnection, AlertStatus } from './alert.ts';
import { channelsById, readAlerts } from './read-alerts.ts';
import { RegisterAlertChannelInput, registerAlertChannel } from './register-alert-channel.ts';
import { ScheduleAlertInput, scheduleAlert } from './schedule-alert.ts';

@Resolver(() => Alert)
export class AlertsResolver {
  @FieldResolver(() => AlertChannel)
  channel(@Root() alert: Alert, @Ctx() context: Context): Promise<AlertChannel> {
    return load(context, channelsById, alert.channelId);
  }

  @Directive('@operator')
  @Query(() => AlertConnection)
  alerts(
    @Arg('first', () => Int, { defaultValue: 20 }) first: number,
    @Arg('after', () => String, { nullable: true }) after: string | undefined,
    @Arg('status', () => AlertStatus, { nullable: true }) status: AlertStatus | undefined,
    @Ctx() context: Context,
  ): Promise<Connection<Alert>> {
    return readAlerts(context, first, after, status);
  }

  @Directive('@operator')
  @Mutation(() => AlertChannel)
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
}
