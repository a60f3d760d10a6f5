import { Migration } from '@mikro-orm/migrations';

/**
 * A version says that a row has changed, and nothing else. What wallets and coupons counted with theirs until now has a
 * column of its own: the number of a wallet's last entry, and how many of a coupon are issued.
 */
export class VersionsOfTheirOwn extends Migration {
  override up(): void {
    this.addSql(`alter table wallet add column seq int not null default 0`);
    this.addSql(`update wallet set seq = version where version > 0`);
    this.addSql(`comment on column wallet.seq is 'Number of the last entry'`);
    this.addSql(`alter table coupon add column version int not null default 1`);
  }
}
