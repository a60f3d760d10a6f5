import { Migration } from '@mikro-orm/migrations';

/**
 * A new row of `sale` locked its product's row for share, in no order, against which the lock of those who place orders stands:
 * the job that folds sales would wait for them, and they for it. The lines of the orders name the product already.
 */
export class SalesReferToNoProduct extends Migration {
  override up(): void {
    this.addSql(`alter table sale drop constraint sale_product_id_fkey`);
  }
}
