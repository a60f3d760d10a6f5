import type { Check } from './check.ts';

/** Every payment has moved its money, and every cancelled payment has moved it back. */
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
    broken: entriesThatDiffer('PAYMENT', '-', `p.status <> 'FAILED'`),
  },
  {
    name: 'refunds-cancelled',
    rule: "A CANCELLED payment has one REFUND entry of its amount in its payer's wallet (none for 0), any other has none.",
    count: `select count(*) from payment where status = 'CANCELLED'`,
    broken: entriesThatDiffer('REFUND', '', `p.status = 'CANCELLED'`),
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

/** SQL for payments with wrong entries of a kind. Right is one entry of `sign` amount where `owed` holds, else none. */
function entriesThatDiffer(kind: string, sign: string, owed: string): string {
  return `
    select 'payment ' || p.id || ': ' || p.status || ' of ' || p.amount || ', ${kind} entries '
      || coalesce(e.amounts, 'none') as name
    from payment p left join (
      select payment_id, count(*) as entries, min(amount) as amount, min(wallet_id::text)::uuid as wallet_id,
        string_agg(amount::text, ', ') as amounts
      from entry where kind = '${kind}' group by payment_id
    ) e on e.payment_id = p.id
    where case when p.amount > 0 and ${owed}
      then e.entries is distinct from 1 or e.amount <> ${sign}p.amount or e.wallet_id <> p.user_id
      else e.entries is not null end`;
}
