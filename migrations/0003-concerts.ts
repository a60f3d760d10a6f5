import { Migration } from '@mikro-orm/migrations';

/** Concerts, their dates and the seats of each date. */
export class Concerts extends Migration {
  override up(): void {
    this.addSql(`
      create table concert (
        id uuid primary key,
        title text not null,
        description text not null,
        queue_id uuid references queue,
        created_at timestamptz not null default clock_timestamp()
      )`);
    this.addSql(`
      create table show (
        id uuid primary key,
        concert_id uuid not null references concert,
        subtitle text not null,
        venue text not null,
        starts_at timestamptz not null,
        duration_minutes int not null check (duration_minutes > 0),
        sales_open_at timestamptz not null,
        sales_close_at timestamptz not null,
        price bigint not null check (price >= 0),
        seat_count int not null check (seat_count between 1 and 100000),
        check (sales_open_at < sales_close_at)
      )`);
    this.addSql(`create index show_concert on show (concert_id, starts_at)`);
    this.addSql(`
      create table seat (
        id uuid primary key,
        show_id uuid not null references show,
        number int not null check (number > 0),
        label text not null,
        section text not null,
        row_index int not null,
        column_index int not null,
        row_length int not null,
        price bigint not null check (price >= 0),
        revision int not null default 0,
        unique (show_id, number)
      ) with (fillfactor = 80)`);
  }
}
