import { type EntityManager, OptimisticLockError } from '@mikro-orm/core';
import type { Reading } from '../legacy/guards/guard.ts';
import { newId } from '../platform/ids.ts';
import { prepared, sql, sqlRow } from '../platform/postgres.ts';
import { LedgerEntry, type LedgerKind } from './wallet.ts';

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

/** What postings need to know of a wallet. */
interface Standing {
  readonly userId: string;
  readonly balance: number;
  readonly version: number;
  readonly seq: number;
}

/** A wallet within one transaction, with the entries that are to be written to it. */
export class Ledger {
  readonly #em: EntityManager;
  readonly #wallet: Standing;
  #unwritten: LedgerEntry[] = [];

  private constructor(em: EntityManager, wallet: Standing) {
    this.#em = em;
    this.#wallet = wallet;
  }

  /** The user's wallet as it is now. */
  static async open(em: EntityManager, userId: string, reading: Reading): Promise<Ledger> {
    const text = 'select user_id as "userId", balance::float8 as balance, version, seq from wallet where user_id = $1';
    const wallet = await sqlRow<Standing>(em, prepared(reading === 'locked' ? `${text} for update` : text), [userId]);
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
      seq: this.#wallet.seq + this.#unwritten.length + 1,
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
   * The only writer of entries and balances: moves balance and version if the wallet still is as it was read, and adds
   * the entries, in one statement. The wallet's row comes last among the locks.
   * @throws OptimisticLockError when somebody else posted since; a check violation for a balance below 0
   */
  async write(): Promise<void> {
    if (this.#unwritten.length === 0) return;
    const entries = this.#unwritten;
    const after = {
      balance: this.balance,
      version: this.#wallet.version + 1,
      seq: this.#wallet.seq + entries.length,
    };
    const times = await writeEntries(this.#em, this.#wallet, after, entries);
    if (times.size < entries.length) throw OptimisticLockError.lockFailed('wallet');
    for (const entry of entries) entry.createdAt = new Date(times.get(entry.id) ?? Number.NaN);
    Object.assign(this.#wallet, after);
    this.#unwritten = [];
  }
}

/** Moves a wallet that still has the version it had, and adds the entries: @returns when each was, by id; none if it has not. */
async function writeEntries(
  em: EntityManager,
  { userId, version }: Standing,
  after: Omit<Standing, 'userId'>,
  entries: readonly LedgerEntry[],
): Promise<Map<string, number>> {
  const rows = await sql<{ id: string; at: number }>(
    em,
    prepared(`with moved as (
       update wallet set balance = $3::bigint, version = $4, seq = $13, moved_on = case when $3::bigint > 0 then current_date end
       where user_id = $1 and version = $2 returning user_id
     )
     insert into entry (id, wallet_id, seq, kind, amount, balance_before, balance_after, payment_id, cancels_id)
     select u.id, moved.user_id, u.seq, u.kind, u.amount, u.balance_before, u.balance_after, u.payment_id, u.cancels_id
     from moved cross join unnest($5::uuid[], $6::int[], $7::text[], $8::bigint[], $9::bigint[], $10::bigint[], $11::uuid[],
       $12::uuid[]) as u (id, seq, kind, amount, balance_before, balance_after, payment_id, cancels_id)
     returning id, (extract(epoch from created_at) * 1000)::float8 as at`),
    [
      ...[userId, version, after.balance, after.version],
      entries.map(({ id }) => id),
      entries.map(({ seq }) => seq),
      entries.map(({ kind }) => kind),
      entries.map(({ amount }) => amount),
      entries.map(({ balanceBefore }) => balanceBefore),
      entries.map(({ balanceAfter }) => balanceAfter),
      entries.map(({ paymentId }) => paymentId),
      entries.map(({ cancelsId }) => cancelsId),
      after.seq,
    ],
  );
  return new Map(rows.map(({ id, at }) => [id, at]));
}
