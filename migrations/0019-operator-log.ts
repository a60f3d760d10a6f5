import { Migration } from '@mikro-orm/migrations';

/** What operators did: one row for each of their mutations, written in its transaction, kept for good. */
export class OperatorLog extends Migration {
  override up(): void {
    this.addSql(`create table operator_log (
      id bigint generated always as identity primary key,
      at timestamptz not null default clock_timestamp(),
      operator_id uuid not null references user_account,
      request_id text,
      mutation text not null,
      subject_ids uuid[] not null,
      before json not null,
      after json not null
    )`);
    this.addSql(`comment on column operator_log.before is 'json and not jsonb: its keys keep their order'`);
    this.addSql(`create index operator_log_operator on operator_log (operator_id, id)`);
    this.addSql(`create index operator_log_mutation on operator_log (mutation, id)`);
    this.addSql(`create index operator_log_subjects on operator_log using gin (subject_ids)`);
    this.addSql(`create index operator_log_at on operator_log (at)`);
    this.addSql(`
      create function operator_log_is_only_added_to() returns trigger language plpgsql as $$
      begin
        raise exception 'the operators'' log is only ever added to';
      end $$`);
    this.addSql(`
      create trigger operator_log_append_only before update or delete on operator_log
      for each row execute function operator_log_is_only_added_to()`);
    this.addSql(`
      create trigger operator_log_never_emptied before truncate on operator_log
      for each statement execute function operator_log_is_only_added_to()`);
  }
}
