import { Migration } from '@mikro-orm/migrations';

/** What gives money back: every charge is cancelled and every payment refunded once, whatever the code above does. */
export class Refunds extends Migration {
  override up(): void {
    this.#entries();
    this.#payments();
    this.#wallets();
    this.#keptRefusals();
  }

  #entries(): void {
    this.addSql(`create unique index entry_cancels_once on entry (cancels_id) where cancels_id is not null`);
    this.addSql(`create unique index entry_payment_once on entry (payment_id, kind) where payment_id is not null`);
    this.addSql(`
      alter table entry
        add constraint entry_of_payment check ((payment_id is not null) = (kind in ('PAYMENT', 'REFUND'))),
        add constraint entry_cancels_charge check ((cancels_id is not null) = (kind = 'CHARGE_CANCEL')),
        add constraint entry_direction check ((amount > 0) = (kind in ('CHARGE', 'REFUND')))`);
    this.addSql(`
      create trigger entry_never_emptied before truncate on entry
      for each statement execute function entries_are_only_added()`);
  }

  #payments(): void {
    this.addSql(`alter table payment alter column reservation_id drop not null`);
    this.addSql(`
      alter table payment
        add constraint payment_cancelled_at check ((cancelled_at is not null) = (status = 'CANCELLED'))`);
  }

  /** The day changes far less often than the balance, so that most updates of a wallet touch no index. */
  #wallets(): void {
    this.addSql(`alter table wallet add column moved_on date`);
    this.addSql(`
      update wallet set moved_on = e.created_at::date from entry e
      where e.wallet_id = wallet.user_id and e.seq = wallet.version and wallet.balance > 0`);
    this.addSql(`create index wallet_moved_on on wallet (moved_on) where moved_on is not null`);
    this.addSql(
      `comment on column wallet.moved_on is 'Day of the last entry; null while there is no money in the wallet'`,
    );
  }

  /** A refused charge was kept without its code while there was one only. */
  #keptRefusals(): void {
    this.addSql(`
      update idempotency_key set answer = answer || jsonb_build_object('fields', jsonb_build_object(
        'code', 'BALANCE_LIMIT', 'message', 'The wallet cannot hold that much money.'))
      where mutation = 'charge' and answer ->> 'type' = 'Refusal'`);
  }
}
