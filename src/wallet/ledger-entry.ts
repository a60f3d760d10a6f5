import { BigIntType, type OptionalProps } from '@mikro-orm/core';
import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, ID, ObjectType, registerEnumType } from 'type-graphql';
import { connectionOf } from '../api/connection.ts';
import { DateTime, Money } from '../api/scalars.ts';

export const LedgerKind = {
  CHARGE: 'CHARGE',
  CHARGE_CANCEL: 'CHARGE_CANCEL',
  PAYMENT: 'PAYMENT',
  REFUND: 'REFUND',
  EXPIRY: 'EXPIRY',
} as const;
export type LedgerKind = keyof typeof LedgerKind;
registerEnumType(LedgerKind, {
  name: 'LedgerKind',
  valuesConfig: { EXPIRY: { description: 'Points that lapsed unused' } },
});

@ObjectType({ description: 'One movement of money. Entries are only ever added' })
@Entity({ tableName: 'entry' })
export class LedgerEntry {
  declare [OptionalProps]?: 'createdAt';

  @Field(() => ID)
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @Property({ type: 'uuid' })
  walletId!: string;

  /** The wallet's version after this entry. */
  @Property({ type: 'integer' })
  seq!: number;

  @Field(() => LedgerKind)
  @Property({ type: 'text' })
  kind!: LedgerKind;

  @Field(() => Money, { description: 'Signed: what was added to the balance' })
  @Property({ type: new BigIntType('number') })
  amount!: number;

  @Field(() => Money)
  @Property({ type: new BigIntType('number') })
  balanceBefore!: number;

  @Field(() => Money)
  @Property({ type: new BigIntType('number') })
  balanceAfter!: number;

  @Field(() => DateTime)
  @Property({ type: 'datetime', columnType: 'timestamptz', defaultRaw: 'clock_timestamp()' })
  createdAt!: Date;

  @Property({ type: 'uuid', nullable: true })
  paymentId!: string | null;

  /** The charge that a CHARGE_CANCEL takes back. */
  @Property({ type: 'uuid', nullable: true })
  cancelsId!: string | null;
}

export const LedgerEntryConnection = connectionOf('LedgerEntry', LedgerEntry);
