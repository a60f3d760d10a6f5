import { Field, InputType } from 'type-graphql';
import type { Context } from '../api/context.ts';
import { textOf } from '../api/input.ts';
import { badInput } from '../api/problems.ts';
import { run, type Verb } from '../commands/runner.ts';
import { newId } from '../platform/ids.ts';
import { judgeUrl } from '../platform/outgoing.ts';
import { AlertChannel, AlertChannelKind } from './alert.ts';
import { judgeMailto } from './send-email.ts';

@InputType({ description: 'A new channel' })
export class RegisterAlertChannelInput {
  @Field(() => String, { description: '1 .. 200 characters' })
  name!: string;

  @Field(() => AlertChannelKind, { description: 'How alerts are sent to it' })
  kind!: AlertChannelKind;

  @Field(() => String, {
    description:
      'An https URL that takes a POST, for EMAIL `mailto:` and one address: at most 2,000 characters. It is not shown again',
  })
  url!: string;
}

const MAX_URL_CHARACTERS = 2_000;

const REGISTER_ALERT_CHANNEL: Verb<RegisterAlertChannelInput, AlertChannel> = {
  name: 'registerAlertChannel',
  contends: () => [],
  locks: () => ({}),
  decide({ asked: { name, kind, url } }, scene) {
    const channel = Object.assign(new AlertChannel(), { id: newId(), name, kind, url, removedAt: null });
    scene.insert(channel);
    return channel;
  },
};

/**
 * Registers a channel that alerts can be sent to.
 * @returns the channel
 * @throws CallerError BAD_USER_INPUT for a name outside 1..200 characters and a URL that `judgeUrl`, or for EMAIL
 * `judgeMailto`, refuses
 */
export async function registerAlertChannel(context: Context, input: RegisterAlertChannelInput): Promise<AlertChannel> {
  const name = textOf('input.name', input.name, 1, 200);
  const judge = input.kind === 'EMAIL' ? judgeMailto : judgeUrl;
  const judged = judge(textOf('input.url', input.url, 1, MAX_URL_CHARACTERS), context.platform.config);
  if ('fault' in judged) throw badInput('input.url', judged.fault);
  return run(context, REGISTER_ALERT_CHANNEL, { name, kind: input.kind, url: judged.url });
}
