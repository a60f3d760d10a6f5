import type { OptionalProps } from '@mikro-orm/core';
import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, ID, Int, ObjectType, registerEnumType } from 'type-graphql';
import { connectionOf } from '../api/connection.ts';
import { DateTime } from '../api/scalars.ts';
import { newId } from '../platform/ids.ts';
import { SECOND } from '../platform/units.ts';

export const AlertChannelKind = { SLACK: 'SLACK', WEBHOOK: 'WEBHOOK' } as const;
export type AlertChannelKind = keyof typeof AlertChannelKind;
registerEnumType(AlertChannelKind, { name: 'AlertChannelKind' });

/** A row of `alert_channel`. */
@ObjectType()
@Entity({ tableName: 'alert_channel' })
export class AlertChannel {
  @Field(() => ID)
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @Field(() => String)
  @Property({ type: 'text' })
  name!: string;

  @Field(() => AlertChannelKind)
  @Property({ type: 'text' })
  kind!: AlertChannelKind;

  /** A secret; read only to send an alert. */
  @Property({ type: 'text', lazy: true })
  url!: string;
}

export const AlertStatus = { SCHEDULED: 'SCHEDULED', SENT: 'SENT', FAILED: 'FAILED' } as const;
export type AlertStatus = keyof typeof AlertStatus;
registerEnumType(AlertStatus, {
  name: 'AlertStatus',
  valuesConfig: { FAILED: { description: 'Given up after the last retry' } },
});

/** Most attempts of one alert. */
export const MAX_ATTEMPTS = 5;

/**
 * Milliseconds to wait after the first failure; four times as long after each further one. Chance removes up to half.
 */
const FIRST_WAIT_MS = 10 * SECOND;
const WAIT_FACTOR = 4;

/** A row of `alert`. */
@ObjectType()
@Entity({ tableName: 'alert' })
export class Alert {
  declare [OptionalProps]?: 'status' | 'attempts' | 'lastError';

  @Field(() => ID)
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @Property({ type: 'uuid' })
  channelId!: string;

  @Field(() => String)
  @Property({ type: 'text' })
  text!: string;

  @Field(() => AlertStatus)
  @Property({ type: 'text' })
  status!: AlertStatus;

  @Field(() => DateTime)
  @Property({ type: 'datetime', columnType: 'timestamptz' })
  sendAt!: Date;

  /** The instant from which the next attempt may begin; while one is under way, the end of its lease. */
  @Property({ type: 'datetime', columnType: 'timestamptz' })
  dueAt!: Date;

  @Field(() => Int)
  @Property({ type: 'integer' })
  attempts!: number;

  @Field(() => String, {
    nullable: true,
    description:
      'Why the last finished try failed: HTTP and the status, or the kind of error; null when none did or it was SENT',
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
