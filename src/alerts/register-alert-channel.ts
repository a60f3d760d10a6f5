import { Field, InputType } from 'type-graphql';
import type { Context } from '../api/context.ts';
import { textOf } from '../api/input.ts';
import { run, type Verb } from '../commands/runner.ts';
import { newId } from '../platform/ids.ts';
import { AlertChannel, AlertChannelKind } from './alert.ts';
import { channelUrlOf } from './channel-url.ts';

@InputType()
export class RegisterAlertChannelInput {
  @Field(() => String)
  name!: string;

  @Field(() => AlertChannelKind)
  kind!: AlertChannelKind;

  @Field(() => String, { description: 'https URL that takes a POST; never shown again' })
  url!: string;
}

const REGISTER_ALERT_CHANNEL: Verb<RegisterAlertChannelInput, AlertChannel> = {
  name: 'registerAlertChannel',
  contends: () => [],
  locks: () => ({}),
  decide({ asked: { name, kind, url } }, scene) {
    const channel = Object.assign(new AlertChannel(), { id: newId(), name, kind, url });
    scene.insert(channel);
    return channel;
  },
};

/**
 * Registers a channel that alerts can be sent to.
 * @returns the channel
 * @throws CallerError BAD_USER_INPUT for a name outside 1..200 characters and a URL that `channelUrlOf` refuses
 */
export async function registerAlertChannel(context: Context, input: RegisterAlertChannelInput): Promise<AlertChannel> {
  const name = textOf('name', input.name, 1, 200);
  const url = channelUrlOf(input.url, context.platform.config);
  return run(context, REGISTER_ALERT_CHANNEL, { name, kind: input.kind, url });
}
