import { Migration } from '@mikro-orm/migrations';

/** Codes that open a higher lane of a queue, and the seeds and results of scheduled openings. */
export class LanesAndDraws extends Migration {
  override up(): void {
    this.addSql(`
      alter table queue drop constraint queue_state_check,
        add constraint queue_state_check check (state in ('SCHEDULED', 'OPEN', 'PAUSED', 'CLOSED')),
        add constraint queue_scheduled check (state <> 'SCHEDULED' or opens_at is not null)`);
    this.addSql(`create index queue_scheduled on queue (opens_at) where state = 'SCHEDULED'`);
    this.addSql(`
      create table priority_code (
        hash bytea primary key,
        queue_id uuid not null references queue,
        priority int not null check (priority between 1 and 9),
        user_id uuid references user_account,
        claimed_at timestamptz,
        check ((user_id is null) = (claimed_at is null))
      )`);
    this.addSql(`
      create table queue_shuffle (
        queue_id uuid primary key references queue,
        seed bytea not null check (length(seed) = 32),
        entrants int,
        drawn_at timestamptz,
        check ((entrants is null) = (drawn_at is null))
      )`);
    this.addSql(`
      create table queue_shuffle_part (
        queue_id uuid not null references queue_shuffle,
        priority int not null check (priority between 0 and 9),
        part int not null check (part >= 0),
        public_ids bytea not null check (length(public_ids) % 32 = 0),
        primary key (queue_id, priority, part)
      )`);
  }
}
