import { Migration } from '@mikro-orm/migrations';

/**
 * Events for other systems. A command writes them in its transaction, relays deliver them: to the stream in Redis, and to
 * webhooks. A backlog is what waits for one webhook of one aggregate; its deliveries are made one after another.
 */
export class Outbox extends Migration {
  override up(): void {
    this.addSql(`create table outbox (
      sequence bigint generated always as identity primary key,
      id uuid not null,
      type text not null,
      aggregate uuid not null,
      part smallint not null,
      data json not null,
      request_id text,
      occurred_at timestamptz not null default clock_timestamp(),
      streamed_at timestamptz,
      shared_at timestamptz
    )`);
    this.addSql(`comment on column outbox.data is 'json and not jsonb: it is passed on as it is'`);
    this.addSql(`comment on column outbox.part is 'Partition of the aggregate, 0 .. 15; one relay at a time has it'`);
    this.addSql(`comment on column outbox.streamed_at is 'When it was added to the stream in Redis'`);
    this.addSql(`comment on column outbox.shared_at is 'When its deliveries to webhooks were made'`);
    this.addSql(
      `create index outbox_waiting on outbox (part, sequence) where streamed_at is null or shared_at is null`,
    );
    this.addSql(`create index outbox_occurred on outbox using brin (occurred_at)`);
    this.addSql(`create table outbox_part (part smallint primary key)`);
    this.addSql(`insert into outbox_part select generate_series(0, 15)`);

    this.addSql(`create table webhook (
      id uuid primary key,
      url text not null,
      events text[] not null,
      secret text not null,
      old_secrets jsonb not null default '[]',
      created_at timestamptz not null,
      removed_at timestamptz
    )`);
    this.addSql(`create table webhook_backlog (
      webhook_id uuid not null references webhook,
      aggregate uuid not null,
      due_at timestamptz not null,
      claim uuid,
      primary key (webhook_id, aggregate)
    )`);
    this.addSql(`create index webhook_backlog_due on webhook_backlog (webhook_id, due_at)`);
    this.addSql(`create table webhook_delivery (
      webhook_id uuid not null references webhook,
      sequence bigint not null references outbox,
      aggregate uuid not null,
      status text not null default 'PENDING' check (status in ('PENDING', 'DELIVERED', 'DEAD')),
      attempts int not null default 0,
      waiting_since timestamptz not null default clock_timestamp(),
      last_error text,
      ended_at timestamptz,
      primary key (webhook_id, sequence),
      check ((status = 'PENDING') = (ended_at is null))
    )`);
    this.addSql(`create index webhook_delivery_pending on webhook_delivery (webhook_id, aggregate, sequence)
      where status = 'PENDING'`);
    this.addSql(`create index webhook_delivery_of on webhook_delivery (sequence)`);
    this.addSql(`create index webhook_delivery_dead on webhook_delivery (sequence, webhook_id) where status = 'DEAD'`);
    this.addSql(`create index webhook_delivery_failed on webhook_delivery (webhook_id, sequence)
      where status <> 'DELIVERED' and last_error is not null`);
    this.addSql(`create index webhook_delivery_delivered on webhook_delivery (webhook_id, ended_at)
      where status = 'DELIVERED'`);

    this.addSql(`alter table show add column sold_out_at timestamptz`);
    this.addSql(`alter table show add column has_new_sales boolean not null default false`);
    this.addSql(
      `comment on column show.has_new_sales is 'Whether tickets changed since it was last judged sold out or not'`,
    );
    this.addSql(`create index show_has_new_sales on show (id) where has_new_sales`);
  }
}
