import { randomBytes } from 'node:crypto';
import type { OptionalProps } from '@mikro-orm/core';
import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, ID, ObjectType } from 'type-graphql';
import { DateTime } from '../api/scalars.ts';
import { newId } from '../platform/ids.ts';
import { HOUR } from '../platform/units.ts';

/** Milliseconds for which a secret signs after its rotation. */
const OLD_SECRET_MS = 24 * HOUR;

const SECRET_BYTES = 32;

/** A row of `webhook`. */
@ObjectType({ description: 'A URL that events are posted to, signed as Standard Webhooks say' })
@Entity({ tableName: 'webhook' })
export class Webhook {
  declare [OptionalProps]?: 'oldSecrets' | 'removedAt';

  @Field(() => ID, { description: 'Id of the webhook' })
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @Field(() => String, { description: 'Where events are posted' })
  @Property({ type: 'text' })
  url!: string;

  @Field(() => [String], { description: 'Types of the events that are posted, such as payment.completed.v1' })
  @Property({ type: 'text[]', columnType: 'text[]' })
  events!: string[];

  /** Signs; never a field of the schema. */
  @Property({ type: 'text' })
  secret!: string;

  /** Secrets before rotations, each with the instant (ISO 8601) until which it signs too. */
  @Property({ type: 'json', columnType: 'jsonb' })
  oldSecrets!: { readonly secret: string; readonly until: string }[];

  @Field(() => DateTime, { description: 'When it was registered: later events are posted' })
  @Property({ type: 'datetime', columnType: 'timestamptz' })
  createdAt!: Date;

  @Property({ type: 'datetime', columnType: 'timestamptz', nullable: true })
  removedAt!: Date | null;

  /** Makes a webhook, which the caller inserts. @param at by PostgreSQL's clock: events from then on are posted */
  static register(url: string, events: string[], at: Date): Webhook {
    return Object.assign(new Webhook(), {
      id: newId(),
      url,
      events,
      secret: newWebhookSecret(),
      oldSecrets: [],
      createdAt: at,
      removedAt: null,
    });
  }

  /** Gives it a new secret. Each secret goes on signing for 24 hours after its rotation. */
  rotate(now: Date): void {
    const until = new Date(now.getTime() + OLD_SECRET_MS).toISOString();
    this.oldSecrets = [...this.oldSecrets.filter((one) => new Date(one.until) > now), { secret: this.secret, until }];
    this.secret = newWebhookSecret();
  }

  /** The secrets that sign at the instant `now`, the newest first. */
  secretsAt(now: Date): string[] {
    const old = this.oldSecrets.filter(({ until }) => new Date(until) > now).map(({ secret }) => secret);
    return [this.secret, ...old.reverse()];
  }

  /** Ends it: nothing is posted from now on, and what waits for it is dropped. */
  remove(now: Date): void {
    this.removedAt ??= now;
  }
}

@ObjectType({ description: 'A webhook with a secret that was made for it' })
export class NewWebhook {
  @Field(() => Webhook, { description: 'The webhook' })
  webhook!: Webhook;

  @Field(() => String, { description: 'The key of its signatures (whsec_...). It is not shown again' })
  secret!: string;
}

/** A secret in the form that libraries of Standard Webhooks take. */
function newWebhookSecret(): string {
  return `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`;
}
