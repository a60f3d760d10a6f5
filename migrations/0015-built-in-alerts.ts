import { Migration } from '@mikro-orm/migrations';

/**
 * A channel that was removed keeps its row, since alerts refer to it. `raised_alert` has the instant at which each
 * built-in alert was raised last, so that only one process raises it, also while Redis is away.
 */
export class BuiltInAlerts extends Migration {
  override up(): void {
    this.addSql(`alter table alert_channel add column removed_at timestamptz`);
    this.addSql(`create table raised_alert (name text primary key, raised_at timestamptz not null)`);
    // A channel that is removed fails what was scheduled for it.
    this.addSql(`create index alert_of_channel on alert (channel_id) where status = 'SCHEDULED'`);
    // Alerts that ended are forgotten 30 days after they were to be sent.
    this.addSql(`create index alert_forgettable on alert (send_at) where status <> 'SCHEDULED'`);
  }
}
