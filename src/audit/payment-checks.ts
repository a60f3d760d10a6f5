import type { Check } from './check.ts';

/** Every payment has moved its money, and every refund has moved its part of it back. */
const OF_ALL: readonly Check[] = [
  {
    name: 'payments-for-one',
    rule: 'A payment is for one reservation or for one order.',
    count: 'select count(*) from payment',
    broken: `
      select 'payment ' || id || ': for ' || num_nonnulls(reservation_id, order_id) || ' things' as name
      from payment where num_nonnulls(reservation_id, order_id) <> 1`,
  },
  {
    name: 'payments-posted',
    rule: "A COMPLETED or CANCELLED payment has one PAYMENT entry of its amount in its payer's wallet (none for 0), a FAILED one has none.",
    count: 'select count(*) from payment',
    broken: `
      select 'payment ' || p.id || ': ' || p.status || ' of ' || p.amount || ', PAYMENT entries '
        || coalesce(e.amounts, 'none') as name
      from payment p left join (
        select payment_id, count(*) as entries, min(amount) as amount, min(wallet_id::text)::uuid as wallet_id,
          string_agg(amount::text, ', ') as amounts
        from entry where kind = 'PAYMENT' group by payment_id
      ) e on e.payment_id = p.id
      where case when p.amount > 0 and p.status <> 'FAILED'
        then e.entries is distinct from 1 or e.amount <> -p.amount or e.wallet_id <> p.user_id
        else e.entries is not null end`,
  },
  {
    name: 'refunds-add-up',
    rule: 'A payment has given back what its refunds add up to, numbered from 1, at most what was paid; a CANCELLED one all of it, a FAILED one nothing.',
    count: 'select count(*) from payment',
    broken: `
      select 'payment ' || p.id || ': ' || p.status || ' of ' || p.amount || ', ' || p.refunded || ' given back, '
        || coalesce(r.refunds, 0) || ' refunds of ' || coalesce(r.amount, 0) as name
      from payment p left join (
        select payment_id, count(*) as refunds, sum(amount) as amount, min(seq) as first, max(seq) as last
        from refund group by payment_id
      ) r on r.payment_id = p.id
      where p.refunded <> coalesce(r.amount, 0) or p.refunded > p.amount
        or (r.refunds is not null and (r.first <> 1 or r.last <> r.refunds))
        or (p.status = 'CANCELLED' and (r.refunds is null or p.refunded <> p.amount))
        or (p.status = 'FAILED' and r.refunds is not null)`,
  },
  {
    name: 'refunds-posted',
    rule: "A refund has one REFUND entry of its amount in its payer's wallet (none for 0), and no REFUND entry is of none.",
    count: 'select count(*) from refund',
    broken: `
      select coalesce('refund ' || r.id || ': ' || r.amount, 'no refund') || ' of payment '
        || coalesce((coalesce(r.payment_id, e.payment_id))::text, 'none') || ', REFUND entries ' || coalesce(e.amounts, 'none') as name
      from (
        select refund.*, p.user_id from refund left join payment p on p.id = refund.payment_id where refund.amount <> 0
      ) r full join (
        select refund_id, min(payment_id::text)::uuid as payment_id, count(*) as entries, min(amount) as amount,
          min(wallet_id::text)::uuid as wallet_id, string_agg(amount::text, ', ') as amounts
        from entry where kind = 'REFUND' group by refund_id
      ) e on e.refund_id = r.id
      where r.id is null or e.entries is distinct from 1 or e.amount <> r.amount or e.wallet_id <> r.user_id
        or e.payment_id <> r.payment_id`,
  },
  {
    name: 'refund-lines-exact',
    rule: 'A refund of an order gives back what its lines add up to; of a line at most what was ordered of it, and what was paid for it once all of it came back.',
    count: 'select count(*) from refund_line',
    broken: `
      select 'refund ' || r.id || ': ' || r.amount || ', lines of ' || coalesce(l.amount, 0) as name
      from refund r join payment p on p.id = r.payment_id left join (
        select refund_id, sum(amount) as amount from refund_line group by refund_id
      ) l on l.refund_id = r.id
      where coalesce(l.amount, 0) <> case when p.order_id is null then 0 else r.amount end
      union all
      select 'line ' || l.line_no || ' of order ' || l.order_id || ': ' || r.quantity || ' of ' || l.quantity || ' for '
        || r.amount || ' of ' || l.quantity * l.unit_price - l.discount as name
      from (
        select order_id, line_no, sum(quantity) as quantity, sum(amount) as amount from refund_line group by order_id, line_no
      ) r join order_line l using (order_id, line_no)
      where r.quantity > l.quantity or r.amount > l.quantity * l.unit_price - l.discount
        or (r.quantity = l.quantity and r.amount <> l.quantity * l.unit_price - l.discount)`,
  },
  {
    name: 'orders-given-back',
    rule: 'An order is PAYMENT_CANCELLED exactly when all of its pieces were given back.',
    count: `select count(*) from shop_order where status in ('PAID', 'PAYMENT_CANCELLED')`,
    broken: `
      select 'order ' || o.id || ': ' || o.status || ' with ' || l.left_over || ' pieces left' as name
      from shop_order o join (
        select l.order_id, sum(l.quantity) - coalesce(sum(r.quantity), 0) as left_over
        from order_line l left join (
          select order_id, line_no, sum(quantity) as quantity from refund_line group by order_id, line_no
        ) r using (order_id, line_no) group by l.order_id
      ) l on l.order_id = o.id
      where o.status in ('PAID', 'PAYMENT_CANCELLED') and (o.status = 'PAYMENT_CANCELLED') <> (l.left_over = 0)`,
  },
];

/** One table of things that are paid for. */
interface PaidTable {
  /** Noun of the names of checks. */
  readonly noun: string;
  readonly table: string;
  /** The column of `payment` that refers to it. */
  readonly column: string;
  /** SQL for its price. */
  readonly total: string;
  /** Its status after the payment, and after the payment's cancellation. */
  readonly paid: string;
  readonly cancelled: string;
}

const PAID_TABLES: readonly PaidTable[] = [
  {
    noun: 'reservation',
    table: 'reservation',
    column: 'reservation_id',
    total: 'amount',
    paid: 'CONFIRMED',
    cancelled: 'CANCELLED',
  },
  {
    noun: 'order',
    table: 'shop_order',
    column: 'order_id',
    total: 'total',
    paid: 'PAID',
    cancelled: 'PAYMENT_CANCELLED',
  },
];

export const PAYMENT_CHECKS: readonly Check[] = [...OF_ALL, ...PAID_TABLES.flatMap(checksOf)];

function checksOf({ noun, table, column, total, paid, cancelled }: PaidTable): Check[] {
  return [
    {
      name: `${noun}-payments-once`,
      rule: `Every ${noun} has one COMPLETED payment when it is ${paid}, and else none; one CANCELLED payment when it is ${cancelled}, and else none.`,
      count: `select count(*) from ${table}`,
      broken: `
        select '${noun} ' || x.id || ': ' || x.status || ' with ' || coalesce(p.completed, 0) || ' COMPLETED and '
          || coalesce(p.cancelled, 0) || ' CANCELLED payments' as name
        from ${table} x left join (
          select ${column} as id, count(*) filter (where status = 'COMPLETED') as completed,
            count(*) filter (where status = 'CANCELLED') as cancelled
          from payment where ${column} is not null group by ${column}
        ) p on p.id = x.id
        where coalesce(p.completed, 0) <> case when x.status = '${paid}' then 1 else 0 end
          or coalesce(p.cancelled, 0) <> case when x.status = '${cancelled}' then 1 else 0 end`,
    },
    {
      name: `${noun}-payments-exact`,
      rule: `The amount of a payment is what its ${noun} costs, and both are of the same user.`,
      count: `select count(*) from payment where ${column} is not null`,
      broken: `
        select 'payment ' || p.id || ': ' || p.amount || ' of user ' || p.user_id || ' for ${noun} ' || p.${column}
          || coalesce(', ' || x.${total} || ' of user ' || x.user_id, ' that is none') as name
        from payment p left join ${table} x on x.id = p.${column}
        where p.${column} is not null and (x.id is null or p.amount <> x.${total} or p.user_id <> x.user_id)`,
    },
  ];
}
