import { Migration } from '@mikro-orm/migrations';

/**
 * Products, orders, coupons and what sold on which day. What may never happen (stock below zero, a status that goes back,
 * a coupon given out or used twice) is refused here, whatever the code above does.
 */
export class Shop extends Migration {
  override up(): void {
    this.#products();
    this.#coupons();
    this.#orders();
    this.#orderStatus();
    this.#payments();
    this.#sales();
  }

  #products(): void {
    this.addSql(`
      create table product (
        id uuid primary key,
        name text not null,
        sort_name text collate "C" not null,
        description text not null,
        words tsvector not null,
        category text not null,
        price bigint not null check (price >= 0),
        made bigint,
        stock int constraint product_stock_never_negative check (stock >= 0),
        sold_out boolean not null generated always as (coalesce(stock = 0, false)) stored,
        created_at timestamptz not null default clock_timestamp(),
        constraint product_stock_was_made check ((made is null) = (stock is null) and stock <= made)
      ) with (fillfactor = 80)`);
    this.addSql(`create index product_price on product (price, id)`);
    this.addSql(`create index product_name on product (sort_name, id)`);
    this.addSql(`create index product_category on product (category, id)`);
    this.addSql(`create index product_category_price on product (category, price, id)`);
    this.addSql(`create index product_category_name on product (category, sort_name, id)`);
    this.addSql(`create index product_sold_out on product (sold_out, id)`);
    this.addSql(`create index product_words on product using gin (words) with (fastupdate = off)`);
  }

  #coupons(): void {
    this.addSql(`
      create table coupon (
        id uuid primary key,
        name text not null,
        discount_kind text not null check (discount_kind in ('FIXED', 'PERCENT')),
        value bigint not null check (value > 0 and (discount_kind = 'FIXED' or value <= 100)),
        minimum_subtotal bigint not null check (minimum_subtotal >= 0),
        quantity int not null check (quantity > 0),
        issued int not null default 0 constraint coupon_never_over_issued check (issued between 0 and quantity),
        starts_at timestamptz not null,
        ends_at timestamptz not null,
        created_at timestamptz not null default clock_timestamp(),
        check (starts_at < ends_at),
        unique (id, quantity)
      ) with (fillfactor = 80)`);
    // The coupon's quantity comes along, so that the row itself can say how high its serial may be.
    this.addSql(`
      create table issued_coupon (
        id uuid primary key,
        coupon_id uuid not null,
        quantity int not null,
        user_id uuid not null references user_account,
        serial int not null,
        issued_at timestamptz not null default clock_timestamp(),
        foreign key (coupon_id, quantity) references coupon (id, quantity),
        constraint issued_coupon_within_quantity check (serial between 1 and quantity),
        constraint issued_coupon_serial_once unique (coupon_id, serial),
        constraint issued_coupon_once_per_user unique (coupon_id, user_id)
      )`);
    this.addSql(`create index issued_coupon_user on issued_coupon (user_id, id)`);
  }

  #orders(): void {
    this.addSql(`
      create table shop_order (
        id uuid primary key,
        user_id uuid not null references user_account,
        status text not null,
        subtotal bigint not null check (subtotal >= 0),
        discount bigint not null,
        total bigint not null,
        issued_coupon_id uuid references issued_coupon,
        created_at timestamptz not null default clock_timestamp(),
        pay_by timestamptz not null,
        paid_on date,
        constraint shop_order_discount_within_subtotal check (discount between 0 and subtotal),
        constraint shop_order_adds_up check (subtotal - discount = total),
        constraint shop_order_paid_on_a_day check ((paid_on is not null) = (status in ('PAID', 'PAYMENT_CANCELLED')))
      ) with (fillfactor = 80)`);
    this.addSql(`create index shop_order_user on shop_order (user_id, id)`);
    this.addSql(`create index shop_order_due on shop_order (pay_by) where status = 'PLACED'`);
    this.addSql(`
      create unique index shop_order_coupon_once on shop_order (issued_coupon_id) where status in ('PLACED', 'PAID')`);
    this.addSql(`
      create table order_line (
        order_id uuid not null references shop_order,
        line_no int not null check (line_no > 0),
        product_id uuid not null references product,
        quantity int not null check (quantity > 0),
        unit_price bigint not null check (unit_price >= 0),
        primary key (order_id, line_no)
      )`);
    this.addSql(`
      create function order_lines_are_fixed() returns trigger language plpgsql as $$
      begin
        raise exception 'the lines of an order are fixed' using errcode = 'check_violation', constraint = 'order_line_fixed';
      end $$`);
    this.addSql(`
      create trigger order_line_fixed before update or delete on order_line
      for each row execute function order_lines_are_fixed()`);
  }

  /** The one table of what may become of an order; an order begins PLACED. */
  #orderStatus(): void {
    this.addSql(`
      create table order_transition (
        from_status text not null,
        to_status text not null,
        primary key (from_status, to_status)
      )`);
    this.addSql(`
      insert into order_transition values
        ('NEW', 'PLACED'), ('PLACED', 'CANCELLED'), ('PLACED', 'PAID'), ('PAID', 'PAYMENT_CANCELLED')`);
    this.addSql(`
      create function order_status_goes_forward() returns trigger language plpgsql as $$
      declare
        was text := case when tg_op = 'INSERT' then 'NEW' else old.status end;
      begin
        if tg_op = 'UPDATE' and new.status = was then
          return new;
        end if;
        if not exists (select from order_transition where from_status = was and to_status = new.status) then
          raise exception 'an order that is % cannot become %', was, new.status
            using errcode = 'check_violation', constraint = 'shop_order_transition';
        end if;
        return new;
      end $$`);
    this.addSql(`
      create trigger shop_order_transition before insert or update on shop_order
      for each row execute function order_status_goes_forward()`);
  }

  #payments(): void {
    this.addSql(`alter table payment alter column reservation_id drop not null`);
    this.addSql(`alter table payment add column order_id uuid references shop_order`);
    this.addSql(
      `alter table payment add constraint payment_for_one_payable check (num_nonnulls(reservation_id, order_id) = 1)`,
    );
    this.addSql(`create unique index payment_once_per_order on payment (order_id) where status = 'COMPLETED'`);
    this.addSql(`create index payment_order on payment (order_id) where order_id is not null`);
  }

  #sales(): void {
    this.addSql(`
      create table sale (
        day date not null,
        product_id uuid not null references product,
        quantity bigint not null constraint sale_never_negative check (quantity >= 0),
        revenue bigint not null check (revenue >= 0),
        primary key (day, product_id)
      ) with (fillfactor = 80)`);
  }
}
