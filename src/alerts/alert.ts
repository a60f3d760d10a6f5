import { Field, ID, Int, ObjectType, registerEnumType } from 'type-graphql';
import { connectionOf } from '../api/connection.ts';
import { DateTime } from '../api/scalars.ts';

export const AlertStatus = { SCHEDULED: 'SCHEDULED', SENT: 'SENT', FAILED: 'FAILED' } as const;
export type AlertStatus = keyof typeof AlertStatus;
registerEnumType(AlertStatus, {
  name: 'AlertStatus',
  valuesConfig: { FAILED: { description: 'Given up after the last retry' } },
});

/** A row of `alert`: read by `ALERT_COLUMNS`. */
@ObjectType()
export class Alert {
  @Field(() => ID)
  id!: string;

  channelId!: string;

  @Field(() => String)
  text!: string;

  @Field(() => AlertStatus)
  status!: AlertStatus;

  @Field(() => DateTime)
  sendAt!: Date;

  @Field(() => Int)
  attempts!: number;

  @Field(() => String, {
    nullable: true,
    description:
      'Why the last finished try failed: HTTP and the status, or the kind of error; null when none did or it was SENT',
  })
  lastError!: string | null;
}

export const AlertConnection = connectionOf('Alert', Alert);

/** Columns of an Alert over `alert a`. */
export const ALERT_COLUMNS = `
  a.id, a.channel_id as "channelId", a.text, a.status, a.attempts, a.last_error as "lastError",
  (extract(epoch from a.send_at) * 1000)::float8 as "sendAt"`;

/** A row of `ALERT_COLUMNS`. */
export interface AlertRow extends Omit<Alert, 'sendAt'> {
  readonly sendAt: number;
}

export function toAlert(row: AlertRow): Alert {
  return Object.assign(new Alert(), row, { sendAt: new Date(row.sendAt) });
}
