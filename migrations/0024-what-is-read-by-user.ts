import { Migration } from '@mikro-orm/migrations';

/** Who deletes an account reads the charges of one user, and the operators: neither grows with what others do. */
export class WhatIsReadByUser extends Migration {
  override up(): void {
    this.addSql(`create index pending_charge_user on pending_charge (user_id)`);
    this.addSql(`create index user_account_operators on user_account (id) where role = 'OPERATOR'`);
  }
}
