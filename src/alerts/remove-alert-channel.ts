import type { Context } from '../api/context.ts';
import { idOf } from '../api/input.ts';
import { notFound } from '../api/problems.ts';
import { ALERT_CHANNELS, rowsOf } from '../commands/lock-order.ts';
import { run, type Verb } from '../commands/runner.ts';
import type { AlertChannel } from './alert.ts';

const REMOVE_ALERT_CHANNEL: Verb<{ readonly id: string }, AlertChannel> = {
  name: 'removeAlertChannel',
  contends: ({ id }) => [`alert-channel:${id}`],
  locks: ({ id }) => ({ rows: [rowsOf(ALERT_CHANNELS, [id])] }),

  decide({ asked: { id } }, scene) {
    const channel = scene.find(ALERT_CHANNELS, id);
    if (!channel) throw notFound('alert channel');
    channel.remove(scene.now);
    return channel;
  },
};

/**
 * Removes a channel: nothing is sent to it any more, and what is scheduled for it becomes FAILED. What a process is
 * sending at that moment may still arrive.
 * @returns the channel; the same again for one that was removed before
 * @throws CallerError NOT_FOUND for an unknown channel
 */
export async function removeAlertChannel(context: Context, id: string): Promise<AlertChannel> {
  return run(context, REMOVE_ALERT_CHANNEL, { id: idOf('id', id) });
}
