import { Migration } from '@mikro-orm/migrations';

/** Concerts have an artist, an image and a name for URLs. A coupon's quantity may grow. */
export class WhatOperatorsMend extends Migration {
  override async up(): Promise<void> {
    await this.#concerts();
    this.#coupons();
    this.addSql(`create index product_withdrawn on product (id) where withdrawn_at is not null`);
  }

  /** Concerts that exist get slugs from their titles as new ones do; of equal ones all but the first have their id added. */
  async #concerts(): Promise<void> {
    this.addSql(`alter table concert add column artist text not null default '', add column image_url text,
      add column slug text`);
    const taken = new Set<string>();
    for (const { id, title } of await this.execute('select id, title from concert order by created_at, id')) {
      const words = String(title)
        .normalize('NFKC')
        .toLowerCase()
        .match(/[\p{L}\p{N}\p{M}]+/gu);
      const made = [...(words ?? ['concert']).join('-')].slice(0, 80).join('').replace(/-$/, '');
      const slug = taken.has(made) ? `${made}-${id}` : made;
      taken.add(slug);
      // Letters, digits and hyphens alone: it needs no quoting.
      this.addSql(`update concert set slug = '${slug}' where id = '${id}'`);
    }
    this.addSql(`alter table concert alter column slug set not null, add constraint concert_slug_once unique (slug)`);
    this.addSql(`comment on column concert.slug is 'Names it in URLs: letters of any script, digits, hyphens'`);
  }

  /**
   * Issued coupons refer to the quantity that their coupon had at the time, so that a growing quantity changes none of
   * them, and the constraint of the row goes on limiting its serial.
   */
  #coupons(): void {
    this.addSql(`
      create table coupon_quantity (
        coupon_id uuid not null references coupon,
        quantity int not null,
        since timestamptz not null default clock_timestamp(),
        primary key (coupon_id, quantity)
      )`);
    this.addSql(`comment on table coupon_quantity is 'Every quantity that a coupon has had'`);
    this.addSql(`insert into coupon_quantity (coupon_id, quantity, since) select id, quantity, created_at from coupon`);
    this.addSql(`
      create function coupon_quantity_only_grows() returns trigger language plpgsql as $$
      begin
        if tg_op = 'UPDATE' and new.quantity < old.quantity then
          raise exception 'the quantity of a coupon only grows'
            using errcode = 'check_violation', constraint = 'coupon_quantity_only_grows';
        end if;
        insert into coupon_quantity (coupon_id, quantity) values (new.id, new.quantity) on conflict do nothing;
        return null;
      end $$`);
    this.addSql(`
      create trigger coupon_made after insert on coupon
      for each row execute function coupon_quantity_only_grows()`);
    this.addSql(`
      create trigger coupon_grown after update of quantity on coupon
      for each row when (new.quantity <> old.quantity) execute function coupon_quantity_only_grows()`);
    this.addSql(`
      alter table issued_coupon drop constraint issued_coupon_coupon_id_quantity_fkey,
        add foreign key (coupon_id, quantity) references coupon_quantity`);
    this.addSql(`alter table coupon drop constraint coupon_id_quantity_key`);
  }
}
