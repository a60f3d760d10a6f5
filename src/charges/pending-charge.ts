import { randomBytes } from 'node:crypto';
import { BigIntType, type EntityManager } from '@mikro-orm/core';
import { Entity, Formula, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, ID, ObjectType, registerEnumType } from 'type-graphql';
import { DateTime, Money } from '../api/scalars.ts';
import type { EventData, EventsOf, NewEvent } from '../commands/event-types.ts';
import { prepared, sql } from '../platform/postgres.ts';
import { HOUR } from '../platform/units.ts';

export const ChargeStatus = {
  PENDING: 'PENDING',
  COMPLETED: 'COMPLETED',
  FAILED: 'FAILED',
  EXPIRED: 'EXPIRED',
} as const;
export type ChargeStatus = keyof typeof ChargeStatus;
registerEnumType(ChargeStatus, {
  name: 'ChargeStatus',
  description: 'Whether the money of a PendingCharge has come',
  valuesConfig: {
    PENDING: { description: 'The payment provider has not said yet' },
    COMPLETED: { description: 'The money is in the wallet, for good' },
    FAILED: { description: 'The payment failed. If money comes all the same, the charge becomes COMPLETED' },
    EXPIRED: { description: 'No money came until `expiresAt`. If it comes all the same, the charge becomes COMPLETED' },
  },
});

/** Milliseconds after which a charge without money is EXPIRED. */
const LIFETIME_MS = 24 * HOUR;

const REFERENCE_BYTES = 15;

/** A row of `pending_charge`. */
@ObjectType({ description: 'A charge that a payment provider completes, where `Settings.charges` is PROVIDER' })
@Entity({ tableName: 'pending_charge' })
export class PendingCharge {
  @Field(() => ID, { description: 'Id of the charge' })
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @Property({ type: 'uuid' })
  userId!: string;

  @Field(() => String, {
    description: 'Names the charge at the payment provider: letters, digits, - and _, at most 40 characters',
  })
  @Property({ type: 'text' })
  reference!: string;

  @Field(() => Money, { description: 'What is to be paid at the payment provider, exactly' })
  @Property({ type: new BigIntType('number') })
  amount!: number;

  /** The status as stored: one that has expired is PENDING here until the row is written again. */
  @Property({ type: 'text', fieldName: 'status' })
  storedStatus!: ChargeStatus;

  @Field(() => ChargeStatus, { description: 'Whether the money has come' })
  @Formula((columns) => statusNow(columns.storedStatus, columns.expiresAt), { fieldName: 'status_now' })
  status!: ChargeStatus;

  /** The payment at the provider that completed it. */
  @Property({ type: 'text', nullable: true })
  providerPaymentId!: string | null;

  @Property({ type: 'uuid', nullable: true })
  entryId!: string | null;

  @Field(() => DateTime, { description: 'When it was asked for' })
  @Property({ type: 'datetime', columnType: 'timestamptz' })
  createdAt!: Date;

  @Field(() => DateTime, {
    description: 'When it becomes EXPIRED, unless it is completed or failed before: 24 hours after it was asked for',
  })
  @Property({ type: 'datetime', columnType: 'timestamptz' })
  expiresAt!: Date;

  /** Makes a charge that waits for money; the caller inserts it. @param amount in minor units */
  static ask(id: string, userId: string, amount: number, at: Date): PendingCharge {
    return Object.assign(new PendingCharge(), {
      ...{ id, userId, amount, reference: `chg_${randomBytes(REFERENCE_BYTES).toString('base64url')}` },
      ...{ storedStatus: 'PENDING' as const, status: 'PENDING' as const, providerPaymentId: null, entryId: null },
      ...{ createdAt: at, expiresAt: new Date(at.getTime() + LIFETIME_MS) },
    });
  }

  /** The status at the instant `now`: one whose time is over is EXPIRED, whether or not the job has noted it. */
  statusAt(now: Date): ChargeStatus {
    return this.storedStatus === 'PENDING' && this.expiresAt <= now ? 'EXPIRED' : this.storedStatus;
  }

  /** Makes it COMPLETED, also one that has failed or expired. @throws Error for one that was completed before */
  complete(providerPaymentId: string, entryId: string): void {
    if (this.storedStatus === 'COMPLETED') throw new Error('a charge is completed once');
    this.storedStatus = 'COMPLETED';
    this.providerPaymentId = providerPaymentId;
    this.entryId = entryId;
  }

  /** Makes it FAILED while it waits for money; afterwards it stays as it is, because notices come in any order. */
  fail(now: Date): void {
    if (this.statusAt(now) === 'PENDING') this.storedStatus = 'FAILED';
  }
}

/** SQL for the status now: EXPIRED for one whose time is over, else the stored one. */
function statusNow(status: string, expiresAt: string): string {
  return `case when ${status} = 'PENDING' and ${expiresAt} <= clock_timestamp() then 'EXPIRED' else ${status} end`;
}

/** Writes what became of locked charges. @throws Error when a row is no longer as it was read */
export async function writePendingCharges(
  em: EntityManager,
  charges: readonly { readonly before: PendingCharge; readonly after: PendingCharge }[],
): Promise<void> {
  const written = await sql(
    em,
    prepared(`update pending_charge c set status = u.after, provider_payment_id = u.payment_id, entry_id = u.entry_id
     from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::uuid[]) as u (id, before, after, payment_id, entry_id)
     where c.id = u.id and c.status = u.before returning c.id`),
    [
      charges.map(({ before }) => before.id),
      charges.map(({ before }) => before.storedStatus),
      charges.map(({ after }) => after.storedStatus),
      charges.map(({ after }) => after.providerPaymentId),
      charges.map(({ after }) => after.entryId),
    ],
  );
  if (written.length < charges.length) throw new Error('charges were not as they were read');
}

/** The events of a charge: it is new and PENDING, was completed, or failed. */
export const eventsOfPendingCharge: EventsOf<PendingCharge> = ({ before, after }) => {
  const { id, userId, amount, storedStatus, entryId, expiresAt } = after;
  const data = { chargeId: id, userId, amount };
  if (!before) {
    return [{ type: 'charge.pending.v1', aggregate: id, data: { ...data, expiresAt: expiresAt.toISOString() } }];
  }
  if (before.storedStatus === storedStatus) return [];
  if (entryId !== null) return [{ type: 'charge.completed.v1', aggregate: id, data: { ...data, entryId } }];
  return [{ type: 'charge.failed.v1', aggregate: id, data }];
};

/** The event of a charge for which no money came in time. */
export function chargeExpired(data: EventData<'charge.expired.v1'>): NewEvent {
  return { type: 'charge.expired.v1', aggregate: data.chargeId, data };
}
