import { Migration } from '@mikro-orm/migrations';

/** Wallets, their append-only entries, payments, and the answers kept for idempotency keys. */
export class Money extends Migration {
  override up(): void {
    this.#walletsAndPayments();
    this.#entries();
    this.#idempotencyKeys();
  }

  #walletsAndPayments(): void {
    this.addSql(`
      create table wallet (
        user_id uuid primary key references user_account,
        balance bigint not null default 0 constraint wallet_never_negative check (balance >= 0),
        version int not null default 0
      )`);
    this.addSql(`
      create table payment (
        id uuid primary key,
        user_id uuid not null references user_account,
        reservation_id uuid not null references reservation,
        amount bigint not null check (amount >= 0),
        status text not null check (status in ('COMPLETED', 'FAILED', 'CANCELLED')),
        failure text check ((failure is not null) = (status = 'FAILED')),
        queue_id uuid,
        token_hash text,
        token_completed_at timestamptz,
        created_at timestamptz not null default clock_timestamp(),
        cancelled_at timestamptz
      )`);
    this.addSql(`create unique index payment_once on payment (reservation_id) where status = 'COMPLETED'`);
    this.addSql(`create unique index payment_token_once on payment (token_hash) where status <> 'FAILED'`);
    this.addSql(`create index payment_user on payment (user_id, id)`);
    this.addSql(`create index payment_reservation on payment (reservation_id)`);
    this.addSql(`
      create index payment_token_open on payment (created_at)
      where token_hash is not null and token_completed_at is null and status <> 'FAILED'`);
  }

  #entries(): void {
    this.addSql(`
      create table entry (
        id uuid primary key,
        wallet_id uuid not null references wallet,
        seq int not null,
        kind text not null check (kind in ('CHARGE', 'CHARGE_CANCEL', 'PAYMENT', 'REFUND', 'EXPIRY')),
        amount bigint not null check (amount <> 0),
        balance_before bigint not null check (balance_before >= 0),
        balance_after bigint not null check (balance_after >= 0),
        payment_id uuid references payment,
        cancels_id uuid references entry,
        created_at timestamptz not null default clock_timestamp(),
        constraint entry_adds_up check (balance_before + amount = balance_after),
        constraint entry_chain unique (wallet_id, seq)
      )`);
    this.addSql(`
      create function entries_are_only_added() returns trigger language plpgsql as $$
      begin
        raise exception 'entries are only ever added';
      end $$`);
    this.addSql(`
      create trigger entry_append_only before update or delete on entry
      for each row execute function entries_are_only_added()`);
  }

  #idempotencyKeys(): void {
    this.addSql(`
      create table idempotency_key (
        user_id uuid not null references user_account,
        mutation text not null,
        key text not null,
        hash text not null,
        answer jsonb,
        created_at timestamptz not null default clock_timestamp(),
        primary key (user_id, mutation, key)
      )`);
    this.addSql(`
      create index idempotency_key_forgettable on idempotency_key (created_at)
      where mutation not in ('charge', 'cancelCharge', 'pay')`);
  }
}
