import { type EntityManager, LockMode } from '@mikro-orm/core';
import { newId } from '../platform/ids.ts';
import { LedgerEntry, type LedgerKind } from './ledger-entry.ts';
import { Wallet } from './wallet.ts';

/** Lost races after which the next try takes the row's lock first. */
export const MOST_OPTIMISTIC = 2;

/** The wallet within `em`'s transaction, as it is read before posting: locked when races were lost. */
export function takeWallet(em: EntityManager, userId: string, lost: number): Promise<Wallet> {
  const lockMode = lost >= MOST_OPTIMISTIC ? LockMode.PESSIMISTIC_WRITE : LockMode.NONE;
  return em.findOneOrFail(Wallet, { userId }, { lockMode, refresh: true });
}

interface Movement {
  /** Of the entry; made up when left out. */
  readonly id?: string;
  readonly kind: LedgerKind;
  /** Signed: what is added to the balance. */
  readonly amount: number;
  readonly paymentId?: string;
}

/**
 * The only writer of entries and balances: adds the entry and moves the balance, in `em`'s transaction, if the wallet
 * still is as it was taken. It comes last among the locks.
 * @throws OptimisticLockError when another entry was posted since; a check violation for a balance below 0
 */
export async function postEntry(em: EntityManager, wallet: Wallet, movement: Movement): Promise<LedgerEntry> {
  const { id = newId(), kind, amount, paymentId } = movement;
  const balanceBefore = wallet.balance;
  wallet.balance += amount;
  // Flushed before the entry is there: a rival shows as a lost version, not as a second entry of one number.
  await em.flush();
  const entry = em.create(LedgerEntry, {
    id,
    walletId: wallet.userId,
    seq: wallet.version,
    kind,
    amount,
    balanceBefore,
    balanceAfter: wallet.balance,
    paymentId: paymentId ?? null,
  });
  await em.persist(entry).flush();
  return entry;
}
