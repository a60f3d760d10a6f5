import { Migration } from '@mikro-orm/migrations';

/**
 * A payment is given back in parts: each refund is a row with its seats or its pieces of lines. A reservation keeps the
 * price of each seat, a line of an order its share of the discount. Shows are cancelled; concerts and products are
 * withdrawn, coupons closed.
 */
export class RefundsInPart extends Migration {
  override up(): void {
    this.#reservations();
    this.#orders();
    this.#refunds();
    this.#entries();
    this.#ends();
    this.#keys();
  }

  #reservations(): void {
    this.addSql(`alter table reservation add column seat_prices bigint[], add column cancel_reason text`);
    this.addSql(`update reservation r set seat_prices = array(
      select coalesce(s.price, 0) from unnest(r.seat_ids) with ordinality as u (id, place) left join seat s on s.id = u.id
      order by u.place)`);
    this.addSql(`
      alter table reservation alter column seat_prices set not null,
        add constraint reservation_prices_seats check (cardinality(seat_prices) = cardinality(seat_ids)),
        add constraint reservation_reason_of_cancelling check (cancel_reason is null or status = 'CANCELLED')`);
    this.addSql(`comment on column reservation.seat_ids is 'Seats that it has, or had when it ended, by number'`);
    this.addSql(`comment on column reservation.seat_prices is 'Price of each of seat_ids when it was held'`);
    this.addSql(`alter table ticket add column checked_in_at timestamptz`);
  }

  /** The discount of each order is allocated to its lines by the largest remainder, as placeOrder does from now on. */
  #orders(): void {
    this.addSql(`alter table shop_order add column memo text not null default ''`);
    this.addSql(`alter table order_line add column discount bigint not null default 0`);
    this.addSql(`alter table order_line disable trigger order_line_fixed`);
    this.addSql(`
      update order_line l set discount = share.whole + case when share.place <= share.left_over then 1 else 0 end
      from (
        select *, discount - sum(whole) over (partition by order_id) as left_over,
          row_number() over (partition by order_id order by remainder desc, line_no) as place
        from (
          select l.order_id, l.line_no, o.discount, div(o.discount::numeric * l.quantity * l.unit_price, o.subtotal) as whole,
            mod(o.discount::numeric * l.quantity * l.unit_price, o.subtotal) as remainder
          from order_line l join shop_order o on o.id = l.order_id where o.discount > 0
        ) parts
      ) share
      where l.order_id = share.order_id and l.line_no = share.line_no`);
    this.addSql(`alter table order_line enable trigger order_line_fixed`);
    this.addSql(`
      alter table order_line add constraint order_line_discount_within_amount
        check (discount between 0 and quantity * unit_price)`);
  }

  #refunds(): void {
    this.addSql(`alter table payment add column refunded bigint not null default 0`);
    this.addSql(`update payment set refunded = amount where status = 'CANCELLED'`);
    this.addSql(`
      alter table payment add constraint payment_refunded_within_amount check (
        refunded between 0 and amount
        and (status <> 'FAILED' or refunded = 0) and (status <> 'CANCELLED' or refunded = amount))`);
    this.addSql(`
      create table refund (
        id uuid primary key,
        payment_id uuid not null references payment,
        seq int not null check (seq > 0),
        amount bigint not null check (amount >= 0),
        reason text,
        seat_ids uuid[] not null,
        created_at timestamptz not null default clock_timestamp(),
        constraint refund_chain unique (payment_id, seq)
      )`);
    this.addSql(
      `comment on column refund.seq is 'Number within the payment: 1 for its first refund, then consecutive'`,
    );
    this.addSql(`
      create table refund_line (
        refund_id uuid not null references refund,
        order_id uuid not null,
        line_no int not null,
        quantity int not null check (quantity > 0),
        amount bigint not null check (amount >= 0),
        primary key (refund_id, line_no),
        foreign key (order_id, line_no) references order_line
      )`);
    this.addSql(`create index refund_line_of_order on refund_line (order_id, line_no)`);
    this.addSql(`
      insert into refund (id, payment_id, seq, amount, seat_ids, created_at)
      select gen_random_uuid(), p.id, 1, p.amount, coalesce(r.seat_ids, '{}'), p.cancelled_at
      from payment p left join reservation r on r.id = p.reservation_id where p.status = 'CANCELLED'`);
    this.addSql(`
      insert into refund_line (refund_id, order_id, line_no, quantity, amount)
      select r.id, l.order_id, l.line_no, l.quantity, l.quantity * l.unit_price - l.discount
      from refund r join payment p on p.id = r.payment_id join order_line l on l.order_id = p.order_id`);
    this.addSql(`
      create function refunds_are_only_added() returns trigger language plpgsql as $$
      begin
        raise exception 'refunds are only ever added' using errcode = 'check_violation', constraint = 'refund_fixed';
      end $$`);
    for (const table of ['refund', 'refund_line'])
      this.addSql(`
        create trigger ${table}_fixed before update or delete on ${table}
        for each row execute function refunds_are_only_added()`);
  }

  /** A payment has one PAYMENT entry, and each of its refunds has one REFUND entry. */
  #entries(): void {
    this.addSql(`alter table entry add column refund_id uuid references refund`);
    this.addSql(`alter table entry disable trigger entry_append_only`);
    this.addSql(
      `update entry e set refund_id = r.id from refund r where e.kind = 'REFUND' and r.payment_id = e.payment_id`,
    );
    this.addSql(`alter table entry enable trigger entry_append_only`);
    this.addSql(`alter table entry add constraint entry_of_refund check ((refund_id is not null) = (kind = 'REFUND'))`);
    this.addSql(`drop index entry_payment_once`);
    this.addSql(`create unique index entry_payment_once on entry (payment_id) where kind = 'PAYMENT'`);
    this.addSql(`create unique index entry_refund_once on entry (refund_id) where refund_id is not null`);
  }

  #ends(): void {
    this.addSql(`
      alter table show add column cancelled_at timestamptz, add column cancel_reason text,
        add constraint show_cancelled_for_a_reason check ((cancelled_at is null) = (cancel_reason is null))`);
    this.addSql(`alter table concert add column withdrawn_at timestamptz`);
    this.addSql(`alter table product add column withdrawn_at timestamptz`);
    this.addSql(`alter table coupon add column closed_at timestamptz`);
    // due_at: when the next try may begin. Whoever begins one moves it to the end of the lease.
    this.addSql(`
      create table show_refund (
        payment_id uuid primary key references payment,
        show_id uuid not null references show,
        due_at timestamptz not null,
        attempts int not null default 0,
        last_error text,
        done_at timestamptz
      )`);
    this.addSql(`create index show_refund_due on show_refund (due_at) where done_at is null`);
    this.addSql(`create index show_refund_of_show on show_refund (show_id)`);
  }

  /** Keys of everything that moves money are kept for good. */
  #keys(): void {
    this.addSql(`drop index idempotency_key_forgettable`);
    this.addSql(`
      create index idempotency_key_forgettable on idempotency_key (created_at)
      where mutation not in ('charge', 'cancelCharge', 'pay', 'cancelPayment', 'refundPayment')`);
  }
}
