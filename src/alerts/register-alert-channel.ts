import { Field, InputType } from 'type-graphql';
import type { Context } from '../api/context.ts';
import { textOf } from '../api/input.ts';
import { newId } from '../platform/ids.ts';
import { sqlRow } from '../platform/postgres.ts';
import { AlertChannel, AlertChannelKind } from './alert-channel.ts';
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

/** @throws CallerError BAD_USER_INPUT: name 1..200 characters; a URL that `channelUrlOf` refuses */
export async function registerAlertChannel(context: Context, input: RegisterAlertChannelInput): Promise<AlertChannel> {
  const name = textOf('name', input.name, 1, 200);
  const url = channelUrlOf(input.url, context.platform.config);
  const row = await sqlRow<AlertChannel>(
    context.em,
    'insert into alert_channel (id, name, kind, url) values ($1, $2, $3, $4) returning id, name, kind',
    [newId(), name, input.kind, url],
  );
  return Object.assign(new AlertChannel(), row);
}
