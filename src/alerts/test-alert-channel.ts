import type { Context } from '../api/context.ts';
import { idOf } from '../api/input.ts';
import type { Alert } from './alert.ts';
import { scheduleAlert } from './schedule-alert.ts';

const TEXT = 'This is a test of an alert channel of Onsale. Nothing is wrong.';

/**
 * Schedules a text for now that says it is a test.
 * @returns the alert
 * @throws CallerError NOT_FOUND for an unknown channel, or one that was removed
 */
export async function testAlertChannel(context: Context, id: string): Promise<Alert> {
  return scheduleAlert(context, { channelId: idOf('id', id), text: TEXT });
}
