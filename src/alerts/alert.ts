import type { EntityManager, OptionalProps } from '@mikro-orm/core';
import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, ID, Int, ObjectType, registerEnumType } from 'type-graphql';
import { connectionOf } from '../api/connection.ts';
import { DateTime } from '../api/scalars.ts';
import { newId } from '../platform/ids.ts';
import { sql } from '../platform/postgres.ts';
import { SECOND } from '../platform/units.ts';

export const AlertChannelKind = { SLACK: 'SLACK', WEBHOOK: 'WEBHOOK', EMAIL: 'EMAIL' } as const;
export type AlertChannelKind = keyof typeof AlertChannelKind;
registerEnumType(AlertChannelKind, {
  name: 'AlertChannelKind',
  description: 'How alerts are sent to a channel',
  valuesConfig: {
    SLACK: { description: 'An incoming webhook of Slack, which gets the text' },
    WEBHOOK: { description: 'A URL that gets the id, the text and the time as JSON' },
    EMAIL: { description: 'A mail address that gets the text; only where SMTP_URL is set' },
  },
});

/** A row of `alert_channel`. */
@ObjectType({ description: 'Where alerts are sent, those of operators and those that Onsale raises itself' })
@Entity({ tableName: 'alert_channel' })
export class AlertChannel {
  @Field(() => ID, { description: 'Id of the channel' })
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @Field(() => String, { description: 'Name of the channel' })
  @Property({ type: 'text' })
  name!: string;

  @Field(() => AlertChannelKind, { description: 'How alerts are sent to it' })
  @Property({ type: 'text' })
  kind!: AlertChannelKind;

  /** A secret; read only to send an alert. */
  @Property({ type: 'text', lazy: true })
  url!: string;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When it was removed: from then on nothing is sent to it. Null until then',
  })
  @Property({ type: 'datetime', columnType: 'timestamptz', nullable: true })
  removedAt!: Date | null;

  /** Ends the channel at the instant `at`. One that was removed before keeps its instant. */
  remove(at: Date): void {
    this.removedAt ??= at;
  }
}

/** Writes channels that were removed, and fails what is scheduled for them. */
export async function writeChannels(
  em: EntityManager,
  channels: readonly { readonly after: AlertChannel }[],
): Promise<void> {
  await sql(
    em,
    `with removed as (
       update alert_channel c set removed_at = u.at from unnest($1::uuid[], $2::timestamptz[]) as u (id, at) where c.id = u.id
     )
     update alert set status = 'FAILED', last_error = $3 where channel_id = any($1) and status = 'SCHEDULED'`,
    [channels.map(({ after }) => after.id), channels.map(({ after }) => after.removedAt), CHANNEL_REMOVED],
  );
}

/** `lastError` of an alert whose channel was removed before it was sent. */
const CHANNEL_REMOVED = 'CHANNEL_REMOVED';

export const AlertStatus = { SCHEDULED: 'SCHEDULED', SENT: 'SENT', FAILED: 'FAILED' } as const;
export type AlertStatus = keyof typeof AlertStatus;
registerEnumType(AlertStatus, {
  name: 'AlertStatus',
  description: 'Whether an alert was sent',
  valuesConfig: {
    SCHEDULED: { description: 'It is to be sent at `sendAt`, or is being tried again' },
    SENT: { description: 'The channel has taken it' },
    FAILED: { description: 'It was given up: after 5 attempts, or because its channel was removed' },
  },
});

/** Most characters of an alert's text. */
export const MAX_TEXT = 4_000;

/** Most attempts of one alert. */
export const MAX_ATTEMPTS = 5;

/**
 * Milliseconds to wait after the first failure; four times as long after each further one. Chance removes up to half.
 */
const FIRST_WAIT_MS = 10 * SECOND;
const WAIT_FACTOR = 4;

/** A row of `alert`. */
@ObjectType({ description: 'A text that is sent to a channel' })
@Entity({ tableName: 'alert' })
export class Alert {
  declare [OptionalProps]?: 'status' | 'attempts' | 'lastError';

  @Field(() => ID, { description: 'Id of the alert' })
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @Property({ type: 'uuid' })
  channelId!: string;

  @Field(() => String, { description: 'What is sent' })
  @Property({ type: 'text' })
  text!: string;

  @Field(() => AlertStatus, { description: 'Whether it was sent' })
  @Property({ type: 'text' })
  status!: AlertStatus;

  @Field(() => DateTime, { description: 'From when it is sent' })
  @Property({ type: 'datetime', columnType: 'timestamptz' })
  sendAt!: Date;

  /** The instant from which the next attempt may begin; while one is under way, the end of its lease. */
  @Property({ type: 'datetime', columnType: 'timestamptz' })
  dueAt!: Date;

  @Field(() => Int, { description: 'How often it was tried, at most 5 times' })
  @Property({ type: 'integer' })
  attempts!: number;

  @Field(() => String, {
    nullable: true,
    description:
      'Why the last attempt that came to its end failed, such as HTTP 500 or TIMEOUT; null when none did, and when it is SENT',
  })
  @Property({ type: 'text', nullable: true })
  lastError!: string | null;

  /** Makes an alert without attempts that is due at the instant `at`; the caller inserts it. */
  static schedule(channelId: string, text: string, at: Date): Alert {
    return Object.assign(new Alert(), {
      id: newId(),
      channelId,
      text,
      status: 'SCHEDULED' as const,
      sendAt: at,
      dueAt: at,
      attempts: 0,
      lastError: null,
    });
  }

  /**
   * Begins an attempt: counts and leases it before it is made. An alert whose last attempt was interrupted becomes
   * FAILED.
   * @param leaseEnd the instant from which other processes may make another attempt
   * @returns whether the caller is to make the attempt
   */
  begin(leaseEnd: Date): boolean {
    if (this.attempts >= MAX_ATTEMPTS) {
      this.status = 'FAILED';
      this.lastError = 'INTERRUPTED';
      return false;
    }
    this.attempts += 1;
    this.dueAt = leaseEnd;
    return true;
  }

  /** Gives the alert up: its channel was removed. */
  giveUp(): void {
    this.status = 'FAILED';
    this.lastError = CHANNEL_REMOVED;
  }

  sent(): void {
    this.status = 'SENT';
    this.lastError = null;
  }

  /**
   * Notes that an attempt failed at the instant `at`. Another attempt follows, unless it was the last one.
   * @param reason text for operators
   */
  fail(reason: string, at: Date): void {
    this.lastError = reason;
    if (this.attempts >= MAX_ATTEMPTS) this.status = 'FAILED';
    const longest = FIRST_WAIT_MS * WAIT_FACTOR ** (this.attempts - 1);
    this.dueAt = new Date(at.getTime() + longest * (1 - Math.random() / 2));
  }
}

export const AlertConnection = connectionOf('Alert', Alert);
