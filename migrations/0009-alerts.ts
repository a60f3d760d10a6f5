import { Migration } from '@mikro-orm/migrations';

/**
 * Where operators have alerts sent to, and the alerts. A channel's address is a secret: its table has no constraint that
 * could fail, since PostgreSQL quotes the whole row that breaks one.
 */
export class Alerts extends Migration {
  override up(): void {
    this.addSql(`
      create table alert_channel (
        id uuid primary key,
        name text not null,
        kind text not null,
        url text not null,
        created_at timestamptz not null default clock_timestamp()
      )`);
    // due_at: when the next try may begin. Whoever begins one moves it to the end of the lease.
    this.addSql(`
      create table alert (
        id uuid primary key,
        channel_id uuid not null references alert_channel,
        text text not null,
        status text not null default 'SCHEDULED' check (status in ('SCHEDULED', 'SENT', 'FAILED')),
        send_at timestamptz not null,
        due_at timestamptz not null,
        attempts int not null default 0 constraint alert_tried_five_times check (attempts between 0 and 5),
        last_error text,
        created_at timestamptz not null default clock_timestamp()
      )`);
    this.addSql(`create index alert_due on alert (due_at) where status = 'SCHEDULED'`);
    this.addSql(`create index alert_status on alert (status, id)`);
  }
}
