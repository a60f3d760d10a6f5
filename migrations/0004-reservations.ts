import { Migration } from '@mikro-orm/migrations';

/** The last guard against selling a seat twice: one hold and one ticket per seat, whatever the code above does. */
export class Reservations extends Migration {
  override up(): void {
    this.addSql(`
      create table reservation (
        id uuid primary key,
        user_id uuid not null references user_account,
        show_id uuid not null references show,
        seat_ids uuid[] not null check (cardinality(seat_ids) > 0),
        status text not null check (status in ('HELD', 'CONFIRMED', 'EXPIRED', 'RELEASED', 'CANCELLED')),
        amount bigint not null check (amount >= 0),
        queue_id uuid,
        token_hash text,
        created_at timestamptz not null default clock_timestamp(),
        expires_at timestamptz not null
      )`);
    this.addSql(`create index reservation_user on reservation (user_id, id)`);
    this.addSql(`create index reservation_token on reservation (token_hash) where status = 'HELD'`);
    this.addSql(`create index reservation_expiry on reservation (expires_at) where status = 'HELD'`);
    this.addSql(`
      create table hold (
        seat_id uuid primary key references seat,
        reservation_id uuid not null references reservation,
        show_id uuid not null,
        user_id uuid not null,
        expires_at timestamptz not null
      )`);
    this.addSql(`create index hold_reservation on hold (reservation_id)`);
    this.addSql(`create index hold_show on hold (show_id, user_id)`);
    this.addSql(`
      create table ticket (
        id uuid primary key,
        seat_id uuid not null constraint ticket_seat_once unique references seat,
        reservation_id uuid not null references reservation,
        show_id uuid not null,
        user_id uuid not null,
        created_at timestamptz not null default clock_timestamp()
      )`);
    this.addSql(`create index ticket_show on ticket (show_id, user_id)`);
  }
}
