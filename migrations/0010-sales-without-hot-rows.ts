import { Migration } from '@mikro-orm/migrations';

/**
 * What sells is appended, and added to `sale` a moment later: payments for one product have no row in common. What refers
 * to nothing is on purpose: a line of an order names the product already, and a reference would lock its row again.
 */
export class SalesWithoutHotRows extends Migration {
  override up(): void {
    this.addSql(`
      create table sale_change (
        id bigint generated always as identity primary key,
        day date not null,
        product_id uuid not null,
        quantity bigint not null,
        revenue bigint not null
      )`);
    this.addSql(`
      create view sale_so_far as
      select day, product_id, quantity, revenue from sale
      union all
      select day, product_id, quantity, revenue from sale_change`);
  }
}
