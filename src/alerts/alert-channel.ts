import { Field, ID, ObjectType, registerEnumType } from 'type-graphql';

export const AlertChannelKind = { SLACK: 'SLACK', WEBHOOK: 'WEBHOOK' } as const;
export type AlertChannelKind = keyof typeof AlertChannelKind;
registerEnumType(AlertChannelKind, { name: 'AlertChannelKind' });

/** A row of `alert_channel`, without its URL: that is read only to send. */
@ObjectType()
export class AlertChannel {
  @Field(() => ID)
  id!: string;

  @Field(() => String)
  name!: string;

  @Field(() => AlertChannelKind)
  kind!: AlertChannelKind;
}
