import { Field, ID, InputType } from 'type-graphql';
import type { Context } from '../api/context.ts';
import { idOf, textOf } from '../api/input.ts';
import { notFound } from '../api/problems.ts';
import { DateTime } from '../api/scalars.ts';
import { newId } from '../platform/ids.ts';
import { sql } from '../platform/postgres.ts';
import { ALERT_COLUMNS, type Alert, type AlertRow, toAlert } from './alert.ts';

@InputType()
export class ScheduleAlertInput {
  @Field(() => ID)
  channelId!: string;

  @Field(() => String)
  text!: string;

  @Field(() => DateTime, { nullable: true, description: 'Now if left out' })
  sendAt?: Date | null;
}

const MAX_CHARACTERS = 4_000;

/**
 * Writes down that the text is to be sent; a sendAt that has passed is now. The job sends it.
 * @throws CallerError NOT_FOUND for an unknown channel; BAD_USER_INPUT: text 1..4,000 characters
 */
export async function scheduleAlert(context: Context, input: ScheduleAlertInput): Promise<Alert> {
  const channelId = idOf('channelId', input.channelId);
  const text = textOf('text', input.text, 1, MAX_CHARACTERS);
  const [row] = await sql<AlertRow>(
    context.em,
    `insert into alert as a (id, channel_id, text, send_at, due_at)
     select $1::uuid, c.id, $3::text, t.at, t.at
     from alert_channel c, (select greatest($4::timestamptz, clock_timestamp()) as at) t where c.id = $2
     returning ${ALERT_COLUMNS}`,
    [newId(), channelId, text, input.sendAt ?? null],
  );
  if (!row) throw notFound('alert channel');
  return toAlert(row);
}
