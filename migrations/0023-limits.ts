import { Migration } from '@mikro-orm/migrations';

/** A queue takes so many entries a minute, a user has so many pieces of a product, and unpaid orders are counted. */
export class Limits extends Migration {
  override up(): void {
    this.addSql(`
      alter table queue add column entries_per_minute int
        constraint queue_takes_somebody check (entries_per_minute > 0)`);
    this.addSql(`
      alter table product add column max_per_user int constraint product_for_somebody check (max_per_user > 0)`);
    this.addSql(`comment on column product.max_per_user is 'Most pieces that one user orders, bought ones included'`);
    // Placing an order counts the user's unpaid ones: a few rows, however many there were before. No other index answers
    // the same condition, so that statistics of a quiet hour cannot make PostgreSQL read what a whole crowd has not paid.
    const unpaid = `case when status = 'PLACED' then user_id end`;
    this.addSql(`create index shop_order_unpaid on shop_order ((${unpaid})) where (${unpaid}) is not null`);
  }
}
