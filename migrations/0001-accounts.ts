import { Migration } from '@mikro-orm/migrations';

/** Users, and the few values that all processes of a deployment must agree on. */
export class Accounts extends Migration {
  override up(): void {
    this.addSql(`
      create table setting (
        name text primary key,
        value jsonb not null
      )`);
    this.addSql(`
      create table user_account (
        id uuid primary key,
        name text not null,
        role text not null check (role in ('BUYER', 'OPERATOR')),
        password_hash text,
        issuer text,
        subject text,
        created_at timestamptz not null default clock_timestamp(),
        check ((issuer is null) = (subject is null)),
        unique (issuer, subject)
      )`);
    this.addSql(`create unique index user_account_name on user_account (name) where issuer is null`);
  }
}
