import { BigIntType, type OptionalProps } from '@mikro-orm/core';
import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, ID, ObjectType, registerEnumType } from 'type-graphql';
import { connectionOf } from '../api/connection.ts';
import type { Batch } from '../api/context.ts';
import { Problem, type Refusal, refuse, sentenceOf } from '../api/problems.ts';
import { DateTime, Money } from '../api/scalars.ts';
import type { EventsOf } from '../commands/event-types.ts';
import type { Config } from '../config.ts';
import { newId } from '../platform/ids.ts';

export const LedgerKind = {
  CHARGE: 'CHARGE',
  CHARGE_CANCEL: 'CHARGE_CANCEL',
  PAYMENT: 'PAYMENT',
  REFUND: 'REFUND',
  EXPIRY: 'EXPIRY',
  ADJUSTMENT: 'ADJUSTMENT',
} as const;
export type LedgerKind = keyof typeof LedgerKind;
registerEnumType(LedgerKind, {
  name: 'LedgerKind',
  description: 'Why money moved',
  valuesConfig: {
    CHARGE: { description: 'Money was added by `charge`, `chargeWallet` or a payment provider' },
    CHARGE_CANCEL: { description: 'A CHARGE was taken back' },
    PAYMENT: { description: 'A reservation or an order was paid for' },
    REFUND: { description: 'A payment, or a part of it, was given back' },
    EXPIRY: { description: 'Points that were not used in time lapsed' },
    ADJUSTMENT: { description: 'An operator added or took money, for a reason' },
  },
});

/** A row of `entry`. Only `Wallet.post` makes one; PostgreSQL refuses to change or delete it. */
@ObjectType({ description: 'One movement of money of one wallet. Entries are only ever added' })
@Entity({ tableName: 'entry' })
export class LedgerEntry {
  declare [OptionalProps]?: 'createdAt';

  @Field(() => ID, { description: 'Id of the entry' })
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @Property({ type: 'uuid' })
  walletId!: string;

  /** Number within the wallet: 1 for the first entry, then consecutive. */
  @Property({ type: 'integer' })
  seq!: number;

  @Field(() => LedgerKind, { description: 'Why the money moved' })
  @Property({ type: 'text' })
  kind!: LedgerKind;

  @Field(() => Money, { description: 'What was added to the balance; below 0 for what was taken' })
  @Property({ type: new BigIntType('number') })
  amount!: number;

  @Field(() => Money, { description: 'Balance before the entry' })
  @Property({ type: new BigIntType('number') })
  balanceBefore!: number;

  @Field(() => Money, { description: 'Balance after the entry: `balanceBefore` plus `amount`' })
  @Property({ type: new BigIntType('number') })
  balanceAfter!: number;

  @Field(() => DateTime, { description: 'When the money moved' })
  @Property({ type: 'datetime', columnType: 'timestamptz', defaultRaw: 'clock_timestamp()' })
  createdAt!: Date;

  @Property({ type: 'uuid', nullable: true })
  paymentId!: string | null;

  /** The refund that a REFUND belongs to. */
  @Property({ type: 'uuid', nullable: true })
  refundId!: string | null;

  /** The charge that a CHARGE_CANCEL takes back. */
  @Property({ type: 'uuid', nullable: true })
  cancelsId!: string | null;

  @Field(() => String, { nullable: true, description: 'Why an operator made the ADJUSTMENT; null for other kinds' })
  @Property({ type: 'text', nullable: true })
  reason!: string | null;
}

export const LedgerEntryConnection = connectionOf('LedgerEntry', LedgerEntry);

/** The argument of `Wallet.post`: one movement of the balance. */
export interface Movement {
  /** Id of the entry; a new one when left out. */
  readonly id?: string;
  readonly kind: LedgerKind;
  /** Signed, in minor units: what is added to the balance. Never 0. */
  readonly amount: number;
  /** The instant of the movement, by PostgreSQL's clock. */
  readonly at: Date;
  /** The payment that a PAYMENT or REFUND belongs to. */
  readonly paymentId?: string;
  /** The refund that a REFUND belongs to. */
  readonly refundId?: string;
  /** The charge that a CHARGE_CANCEL takes back. */
  readonly cancelsId?: string;
  /** Why an operator makes an ADJUSTMENT. */
  readonly reason?: string;
}

@ObjectType({ description: 'The money of one user' })
@Entity({ tableName: 'wallet' })
export class Wallet {
  @PrimaryKey({ type: 'uuid' })
  userId!: string;

  @Field(() => Money, { description: 'The sum of all entries; never below 0' })
  @Property({ type: new BigIntType('number') })
  balance!: number;

  /** Number of the last entry. */
  @Property({ type: 'integer' })
  seq!: number;

  /** MikroORM checks and raises it with every update: of two concurrent writers, one fails. */
  @Property({ type: 'integer', version: true })
  version!: number;

  /**
   * Day of the last entry (YYYY-MM-DD in UTC); null while the balance is 0. Its index finds wallets that have not moved
   * for long.
   */
  @Property({ type: 'date', nullable: true })
  movedOn!: string | null;

  /** When its user deleted the account: nothing is charged or paid any more, but what is given back still comes here. */
  @Property({ type: 'datetime', columnType: 'timestamptz', nullable: true })
  closedAt!: Date | null;

  /** Closes it for good. @throws RangeError while there is money in it */
  close(now: Date): void {
    if (this.balance > 0) throw new RangeError('a wallet with money in it is not closed');
    this.closedAt = now;
  }

  /**
   * Moves the balance and makes the entry that records the movement.
   * @returns the entry; the caller inserts it after the wallet's row was written
   * @throws RangeError for a movement that would leave less than 0: the caller checks the balance first
   */
  post({ id = newId(), kind, amount, at, paymentId, refundId, cancelsId, reason }: Movement): LedgerEntry {
    const balanceBefore = this.balance;
    if (balanceBefore + amount < 0) throw new RangeError('a wallet never has less than 0');
    this.balance += amount;
    this.seq += 1;
    this.movedOn = this.balance > 0 ? at.toISOString().slice(0, 10) : null;
    return Object.assign(new LedgerEntry(), {
      id,
      walletId: this.userId,
      seq: this.seq,
      kind,
      amount,
      balanceBefore,
      balanceAfter: this.balance,
      createdAt: at,
      paymentId: paymentId ?? null,
      refundId: refundId ?? null,
      cancelsId: cancelsId ?? null,
      reason: reason ?? null,
    });
  }
}

@ObjectType({ implements: Problem, description: '`INSUFFICIENT_BALANCE`: the wallet has less than is taken from it' })
export class InsufficientBalance extends Problem {
  @Field(() => Money, { description: 'What is in the wallet' })
  balance!: number;

  @Field(() => Money, { description: 'What was to be taken' })
  required!: number;
}

export function insufficientBalance(balance: number, required: number): InsufficientBalance {
  return Object.assign(new InsufficientBalance(), sentenceOf('INSUFFICIENT_BALANCE'), { balance, required });
}

/** The refusal of money that a wallet may not hold; its sentence names the limit as an amount of the currency. */
export function balanceLimit({ BALANCE_LIMIT, CURRENCY }: Config): Refusal {
  const format = new Intl.NumberFormat('en', { style: 'currency', currency: CURRENCY, currencyDisplay: 'code' });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 0;
  const most = format.format(BALANCE_LIMIT / 10 ** digits).replace('\u00a0', ' ');
  return refuse('BALANCE_LIMIT', `The wallet cannot hold that much money: at most ${most}.`);
}

/** The events of a new entry: an operator adjusted the balance. What else moves money has events of its own. */
export const eventsOfEntry: EventsOf<LedgerEntry> = ({ after: { id, walletId, kind, amount } }) =>
  kind === 'ADJUSTMENT'
    ? [{ type: 'wallet.adjusted.v1', aggregate: walletId, data: { userId: walletId, entryId: id, amount } }]
    : [];

/** Loads the wallet of each user; every user has one. */
export const walletsOfUsers: Batch<Wallet> = async ({ em }, userIds) => {
  const rows = await em.find(Wallet, { userId: { $in: [...userIds] } }, { disableIdentityMap: true });
  const wallets = new Map(rows.map((wallet) => [wallet.userId, wallet]));
  return userIds.map((id) => wallets.get(id) as Wallet);
};

/** Loads entries by id; each id must exist. */
export const entriesById: Batch<LedgerEntry> = async ({ em }, ids) => {
  const entries = new Map((await em.find(LedgerEntry, { id: { $in: [...ids] } })).map((entry) => [entry.id, entry]));
  return ids.map((id) => entries.get(id) as LedgerEntry);
};
