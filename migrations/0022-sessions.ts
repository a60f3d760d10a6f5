import { Migration } from '@mikro-orm/migrations';

/** Sessions can be ended, each by itself and all of a user, and remembered; an account can be deleted. */
export class Sessions extends Migration {
  override up(): void {
    this.addSql(`
      alter table user_account add column session_version int not null default 0,
        add column sessions_ended_at timestamptz, add column deleted_at timestamptz`);
    this.addSql(`comment on column user_account.session_version is 'Sessions of an earlier version have ended'`);
    this.addSql(`
      create index user_account_sessions_ended on user_account (sessions_ended_at)
      where sessions_ended_at is not null`);
    this.addSql(`
      create table session (
        id uuid primary key,
        user_id uuid not null references user_account,
        version int not null,
        created_at timestamptz not null,
        lasts_until timestamptz not null,
        ended_at timestamptz,
        series bytea unique,
        cookie bytea,
        previous_cookie bytea,
        rotated_at timestamptz,
        constraint session_remembered check ((series is null) = (cookie is null)),
        constraint session_rotated check ((previous_cookie is null) = (rotated_at is null))
      )`);
    this.addSql(`comment on column session.version is 'The session_version of the user when it was opened'`);
    this.addSql(`comment on column session.lasts_until is 'When its last access token, and its cookie, are over'`);
    this.addSql(`comment on column session.series is 'SHA-256 of the part of its cookie that stays'`);
    this.addSql(`comment on column session.cookie is 'SHA-256 of the part of its cookie that changes each time'`);
    this.addSql(`alter table wallet add column closed_at timestamptz`);
    this.addSql(
      `comment on column wallet.closed_at is 'When the account was deleted: nothing is charged or paid any more'`,
    );
    this.addSql(`create index session_of_user on session (user_id)`);
    this.addSql(`create index session_over on session (lasts_until)`);
    this.addSql(`create index session_ended on session (ended_at) where ended_at is not null`);
  }
}
