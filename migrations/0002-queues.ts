import { Migration } from '@mikro-orm/migrations';

/** Settings of queues; places in them live in Redis. */
export class Queues extends Migration {
  override up(): void {
    this.addSql(`
      create table queue (
        id uuid primary key,
        name text not null,
        state text not null check (state in ('OPEN', 'PAUSED', 'CLOSED')),
        opens_at timestamptz,
        capacity int not null check (capacity between 0 and 1000000),
        admit_per_minute int check (admit_per_minute >= 0),
        active_seconds int not null check (active_seconds > 0),
        max_waiting int not null check (max_waiting >= 0),
        reenter boolean not null,
        away_seconds int not null check (away_seconds > 0),
        version int not null default 1,
        applied_version int not null default 0,
        created_at timestamptz not null default clock_timestamp()
      )`);
    this.addSql(`create index queue_unapplied on queue (id) where applied_version < version`);
  }
}
