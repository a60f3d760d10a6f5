import { Migration } from '@mikro-orm/migrations';

/**
 * What operators find users, sales and coupons by; what happened to each show by the minute; links to exports; and the
 * past of queues that is older than a day.
 */
export class WhatOperatorsFind extends Migration {
  override up(): void {
    this.#users();
    this.#sales();
    this.#coupons();
    this.#showMinutes();
    this.#exports();
    this.#queueMinutes();
  }

  /** Compared byte by byte, an index serves both the beginning of a name and the order of names. */
  #users(): void {
    this.addSql(`create index user_account_search on user_account (lower(name) collate "C", id)`);
  }

  /**
   * A payment comes last in `payment_created`, and last among those of its amount, of which there are few, in
   * `payment_amount`: both are written at pages that are in memory. A COMPLETED payment is not in `payment_undone`. A new
   * reservation, which is HELD, is not in `reservation_show`: it comes there once, when it ends, by an update that writes
   * every index of the row anyway. So the sales of a show are found without a column of theirs.
   */
  #sales(): void {
    this.addSql(`create index payment_created on payment (created_at, id)`);
    this.addSql(`create index payment_amount on payment (amount, id)`);
    this.addSql(`create index payment_undone on payment (status, created_at, id) where status <> 'COMPLETED'`);
    this.addSql(`create index reservation_show on reservation (show_id, status) where status <> 'HELD'`);
    this.addSql(`create index refund_created on refund (created_at)`);
  }

  /** A claim changes no column of it. */
  #coupons(): void {
    this.addSql(`create index coupon_ends on coupon (ends_at)`);
  }

  /**
   * Sales of shows are added up by the minute after they were made, so that a payment writes nothing for them. Everything
   * before `folded_until` is in `show_minute`, everything else is read from the payments and refunds.
   * Minutes refer to no show on purpose: a reference would lock the row of each show whenever something is added up.
   */
  #showMinutes(): void {
    this.addSql(`
      create table show_minute (
        show_id uuid not null,
        minute timestamptz not null check (extract(second from minute) = 0),
        sold int not null default 0 check (sold >= 0),
        revenue bigint not null default 0 check (revenue >= 0),
        refunds bigint not null default 0 check (refunds >= 0),
        failed int not null default 0 check (failed >= 0),
        held int check (held >= 0),
        free int check (free >= 0),
        primary key (show_id, minute)
      ) with (fillfactor = 80)`);
    this.addSql(`create index show_minute_minute on show_minute (minute)`);
    this.addSql(`comment on column show_minute.held is 'Seats held at the end of the minute; null: nobody counted'`);
    this.addSql(`
      create table show_minute_fold (
        is_only boolean primary key default true check (is_only),
        folded_until timestamptz not null,
        counted_until timestamptz not null
      )`);
    this.addSql(`insert into show_minute_fold (folded_until, counted_until) values ('-infinity', '-infinity')`);
    this.addSql(`
      create view show_change as
      select r.show_id, p.created_at as at,
        case p.status when 'FAILED' then 0 when 'CANCELLED' then 0 else cardinality(r.seat_ids) end
          + (select coalesce(sum(cardinality(f.seat_ids)), 0) from refund f where f.payment_id = p.id)::int as sold,
        case p.status when 'FAILED' then 0 else p.amount end as revenue,
        0::bigint as refunds,
        case p.status when 'FAILED' then 1 else 0 end as failed
      from payment p join reservation r on r.id = p.reservation_id
      union all
      select r.show_id, f.created_at, 0, 0, f.amount, 0
      from refund f join payment p on p.id = f.payment_id join reservation r on r.id = p.reservation_id`);
  }

  #exports(): void {
    this.addSql(`
      create table sales_export (
        id uuid primary key,
        user_id uuid not null references user_account,
        filter jsonb not null,
        created_at timestamptz not null,
        expires_at timestamptz not null,
        used_at timestamptz
      )`);
    this.addSql(`create index sales_export_expires on sales_export (expires_at)`);
  }

  #queueMinutes(): void {
    this.addSql(`
      create table queue_minute (
        queue_id uuid not null references queue,
        minute timestamptz not null,
        waiting int not null,
        active int not null,
        entered int not null,
        admitted int not null,
        completed int not null,
        expired int not null,
        median_wait int,
        row_count smallint not null check (row_count between 1 and 12),
        primary key (queue_id, minute)
      ) with (fillfactor = 80)`);
    this.addSql(`create index queue_minute_minute on queue_minute using brin (minute)`);
    this.addSql(`comment on column queue_minute.median_wait is 'In seconds; null when nobody was admitted'`);
    this.addSql(`comment on column queue_minute.row_count is 'Rows of Redis that it was made from, each of 5 seconds'`);
  }
}
