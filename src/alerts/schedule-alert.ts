import { Field, ID, InputType } from 'type-graphql';
import type { Context } from '../api/context.ts';
import { idOf, textOf } from '../api/input.ts';
import { notFound } from '../api/problems.ts';
import { DateTime } from '../api/scalars.ts';
import { run, type Verb } from '../commands/runner.ts';
import { forkOf } from '../platform/platform.ts';
import { Alert, AlertChannel, MAX_TEXT } from './alert.ts';

@InputType({ description: 'A text, where it is sent to, and when' })
export class ScheduleAlertInput {
  @Field(() => ID, { description: 'Id of the channel' })
  channelId!: string;

  @Field(() => String, { description: '1 .. 4,000 characters' })
  text!: string;

  @Field(() => DateTime, { nullable: true, description: 'From when it is sent; now if it is left out or in the past' })
  sendAt?: Date | null;
}

const SCHEDULE_ALERT: Verb<ScheduleAlertInput, Alert> = {
  name: 'scheduleAlert',
  contends: () => [],

  async prepare(platform, alerts) {
    const ids = alerts.map(({ channelId }) => channelId);
    const channels = await forkOf(platform).find(AlertChannel, { id: { $in: ids }, removedAt: null });
    const known = new Set(channels.map(({ id }) => id));
    return ids.map((id) => (known.has(id) ? { known: undefined } : { error: notFound('alert channel') }));
  },

  locks: () => ({}),

  decide({ asked: { channelId, text, sendAt } }, scene) {
    const alert = Alert.schedule(channelId, text, sendAt && sendAt > scene.now ? sendAt : scene.now);
    scene.insert(alert);
    return alert;
  },
};

/**
 * Records an alert, which the job sends when it is due; a sendAt in the past means now.
 * @returns the alert
 * @throws CallerError NOT_FOUND for an unknown channel, or one that was removed; BAD_USER_INPUT for a text outside 1..4,000 characters
 */
export async function scheduleAlert(context: Context, input: ScheduleAlertInput): Promise<Alert> {
  const channelId = idOf('input.channelId', input.channelId);
  const text = textOf('input.text', input.text, 1, MAX_TEXT);
  return run(context, SCHEDULE_ALERT, { channelId, text, sendAt: input.sendAt ?? null });
}
