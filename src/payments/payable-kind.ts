import type { EntityManager } from '@mikro-orm/core';
import type { Batch, Context } from '../api/context.ts';
import type { Refusal, RefusalCode } from '../api/problems.ts';
import type { Config } from '../config.ts';
import type { Locks } from '../legacy/lock-order.ts';
import type { Platform } from '../platform/platform.ts';
import type { Admission } from './find-admission.ts';
import type { AlreadyPaid } from './pay-problems.ts';
import type { Payable, Payment } from './payment.ts';

/** One attempt to pay for a payable. */
export interface Attempt {
  /** Of the payable. */
  readonly id: string;
  /** Of the payment, if it succeeds. */
  readonly paymentId: string;
  readonly admission: Admission;
}

/** Tells whoever is to know what has changed, once it is committed. Never throws. */
export type Announce = (platform: Platform) => Promise<void>;

/** Nothing that anybody else is to know. */
export const nothingToTell: Announce = async () => undefined;

/** What is owed for a payable that stands to be paid, and how it goes on. */
export interface Bill {
  /** In minor units; 0 needs no entry. */
  readonly amount: number;
  /** Why it fails whatever the balance is; recorded as a FAILED payment. */
  readonly failure: RefusalCode | undefined;
  /** Makes it the payer's, under a COMPLETED payment with the attempt's id. */
  settle(): Promise<{ payment: Payment; announce: Announce }>;
  /** Gives it up, because the payment failed. */
  release(): Promise<Announce>;
}

/**
 * What paying and cancelling mean for one kind of thing that can be paid for. Everything but `byId` runs in the
 * transaction of the verb; `judge`, `mayCancel` and `takeBack` under the locks asked for.
 */
export interface PayableKind {
  /** As messages call it. */
  readonly noun: string;
  /** The argument of `pay` and the property of Payment that name it, and the column of that. */
  readonly argument: 'reservationId' | 'orderId';
  readonly column: 'reservation_id' | 'order_id';
  /** As they are now, by id. */
  readonly byId: Batch<typeof Payable>;
  /** What must be locked before it is paid for. */
  locksToPay(context: Context, id: string, admission: Admission): Locks;
  /** What must be locked before its payment is cancelled, besides the payment. */
  locksToCancel(id: string): Locks;
  /**
   * Judges in the contract's order everything that comes before the balance.
   * @returns a refusal that leaves no trace, or the bill
   * @throws CallerError NOT_FOUND for one that is not the caller's; QUEUE_TOKEN_REQUIRED
   */
  judge(em: EntityManager, context: Context, attempt: Attempt): Promise<AlreadyPaid | Refusal | Bill>;
  /** Whether its owner, who has paid, may still go back on it. */
  mayCancel(em: EntityManager, config: Config, id: string): Promise<boolean>;
  /** Undoes what `settle` did, except for the payment. */
  takeBack(em: EntityManager, id: string): Promise<Announce>;
}
