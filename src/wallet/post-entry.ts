import { type EntityManager, LockMode, OptimisticLockError, raw } from '@mikro-orm/core';
import type { Reading } from '../platform/guards/guard.ts';
import { newId } from '../platform/ids.ts';
import { prepared, sql } from '../platform/postgres.ts';
import { LedgerEntry, type LedgerKind } from './ledger-entry.ts';
import { Wallet } from './wallet.ts';

interface Movement {
  /** Of the entry; made up when left out. */
  readonly id?: string;
  readonly kind: LedgerKind;
  /** Signed: what is added to the balance. */
  readonly amount: number;
  /** Of a PAYMENT or REFUND. */
  readonly paymentId?: string;
  /** The charge that a CHARGE_CANCEL takes back. */
  readonly cancelsId?: string;
}

/** A wallet within one transaction, with the entries that are to be written to it. */
export class Ledger {
  readonly #em: EntityManager;
  readonly #wallet: Wallet;
  #unwritten: LedgerEntry[] = [];

  private constructor(em: EntityManager, wallet: Wallet) {
    this.#em = em;
    this.#wallet = wallet;
  }

  /** The user's wallet as it is now. */
  static async open(em: EntityManager, userId: string, reading: Reading): Promise<Ledger> {
    const lockMode = reading === 'locked' ? LockMode.PESSIMISTIC_WRITE : LockMode.NONE;
    const wallet = await em.findOneOrFail(Wallet, { userId }, { lockMode, disableIdentityMap: true });
    return new Ledger(em, wallet);
  }

  /** With what was posted, written or not. */
  get balance(): number {
    return this.#unwritten.at(-1)?.balanceAfter ?? this.#wallet.balance;
  }

  /** Adds an entry, to be written with the others; its `createdAt` is known then. */
  postEntry({ id = newId(), kind, amount, paymentId, cancelsId }: Movement): LedgerEntry {
    const entry = Object.assign(new LedgerEntry(), {
      id,
      walletId: this.#wallet.userId,
      seq: this.#wallet.version + this.#unwritten.length + 1,
      kind,
      amount,
      balanceBefore: this.balance,
      balanceAfter: this.balance + amount,
      paymentId: paymentId ?? null,
      cancelsId: cancelsId ?? null,
    });
    this.#unwritten.push(entry);
    return entry;
  }

  /**
   * The only writer of entries and balances: moves balance and version if the wallet still is as it was read, then adds
   * the entries. The wallet's row comes last among the locks.
   * @throws OptimisticLockError when somebody else posted since; a check violation for a balance below 0
   */
  async write(): Promise<void> {
    if (this.#unwritten.length === 0) return;
    const { userId, version } = this.#wallet;
    const after = { balance: this.balance, version: version + this.#unwritten.length };
    const movedOn = after.balance > 0 ? raw('current_date') : null;
    const moved = await this.#em.nativeUpdate(Wallet, { userId, version }, { ...after, movedOn });
    if (moved !== 1) throw OptimisticLockError.lockFailed(this.#wallet);
    Object.assign(this.#wallet, after);
    await insertEntries(this.#em, this.#unwritten);
    this.#unwritten = [];
  }
}

async function insertEntries(em: EntityManager, entries: readonly LedgerEntry[]): Promise<void> {
  const rows = await sql<{ id: string; at: number }>(
    em,
    prepared(`insert into entry (id, wallet_id, seq, kind, amount, balance_before, balance_after, payment_id, cancels_id)
     select * from unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::uuid[],
       $9::uuid[])
     returning id, (extract(epoch from created_at) * 1000)::float8 as at`),
    [
      entries.map(({ id }) => id),
      entries.map(({ walletId }) => walletId),
      entries.map(({ seq }) => seq),
      entries.map(({ kind }) => kind),
      entries.map(({ amount }) => amount),
      entries.map(({ balanceBefore }) => balanceBefore),
      entries.map(({ balanceAfter }) => balanceAfter),
      entries.map(({ paymentId }) => paymentId),
      entries.map(({ cancelsId }) => cancelsId),
    ],
  );
  const times = new Map(rows.map(({ id, at }) => [id, at]));
  for (const entry of entries) entry.createdAt = new Date(times.get(entry.id) ?? Number.NaN);
}
