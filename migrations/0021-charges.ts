import { Migration } from '@mikro-orm/migrations';

/** Charges that wait for a payment provider, and entries by which operators adjust a balance. */
export class Charges extends Migration {
  override up(): void {
    this.#adjustments();
    this.#pendingCharges();
    this.#keys();
  }

  #adjustments(): void {
    this.addSql(`
      alter table entry drop constraint entry_kind_check,
        add constraint entry_kind_check
          check (kind in ('CHARGE', 'CHARGE_CANCEL', 'PAYMENT', 'REFUND', 'EXPIRY', 'ADJUSTMENT')),
        drop constraint entry_direction,
        add constraint entry_direction check (kind = 'ADJUSTMENT' or (amount > 0) = (kind in ('CHARGE', 'REFUND')))`);
    this.addSql(`
      alter table entry add column reason text,
        add constraint entry_reason_of_adjustment check ((reason is not null) = (kind = 'ADJUSTMENT'))`);
    this.addSql(`comment on column entry.reason is 'Why an operator adjusted the balance'`);
  }

  #pendingCharges(): void {
    this.addSql(`
      create table pending_charge (
        id uuid primary key,
        user_id uuid not null references user_account,
        reference text not null constraint pending_charge_reference_once unique,
        amount bigint not null check (amount > 0),
        status text not null check (status in ('PENDING', 'COMPLETED', 'FAILED', 'EXPIRED')),
        provider_payment_id text constraint pending_charge_payment_once unique,
        entry_id uuid references entry constraint pending_charge_entry_once unique,
        created_at timestamptz not null default clock_timestamp(),
        expires_at timestamptz not null,
        constraint pending_charge_completed_by_payment check (
          (entry_id is not null) = (status = 'COMPLETED') and (provider_payment_id is not null) = (status = 'COMPLETED'))
      )`);
    this.addSql(
      `comment on column pending_charge.status is 'As stored: a PENDING one is EXPIRED from expires_at on, though its row says so later'`,
    );
    this.addSql(
      `comment on column pending_charge.provider_payment_id is 'The payment at the provider that completed it'`,
    );
    this.addSql(`create index pending_charge_overdue on pending_charge (expires_at) where status = 'PENDING'`);
    this.addSql(`
      create function pending_charge_completes_once() returns trigger language plpgsql as $$
      begin
        if tg_op = 'DELETE' or old.status = 'COMPLETED' then
          raise exception 'a charge that was completed stays as it is'
            using errcode = 'check_violation', constraint = 'pending_charge_completes_once';
        end if;
        return new;
      end $$`);
    this.addSql(`
      create trigger pending_charge_completes_once before update or delete on pending_charge
      for each row execute function pending_charge_completes_once()`);
  }

  /** Keys of everything that moves money are kept for good. */
  #keys(): void {
    this.addSql(`drop index idempotency_key_forgettable`);
    this.addSql(`
      create index idempotency_key_forgettable on idempotency_key (created_at)
      where mutation not in ('charge', 'chargeWallet', 'cancelCharge', 'adjustWallet', 'pay', 'cancelPayment', 'refundPayment')`);
  }
}
