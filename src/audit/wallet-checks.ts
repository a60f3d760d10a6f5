import type { Check } from './check.ts';

/** Balances equal the sums of their entries: no money appears or is lost. */
export const WALLET_CHECKS: readonly Check[] = [
  {
    name: 'wallets-add-up',
    rule: 'The balance of every wallet is the sum of its entries and never negative, its seq their number.',
    count: 'select count(*) from wallet',
    broken: `
      select 'wallet ' || coalesce(w.user_id, e.wallet_id) || ': '
        || coalesce('balance ' || w.balance || ' at number ' || w.seq, 'there is none') || ', '
        || coalesce(e.entries, 0) || ' entries of ' || coalesce(e.total, 0) as name
      from wallet w full join (
        select wallet_id, count(*) as entries, sum(amount) as total from entry group by wallet_id
      ) e on e.wallet_id = w.user_id
      where w.user_id is null or w.balance <> coalesce(e.total, 0) or w.seq <> coalesce(e.entries, 0) or w.balance < 0`,
  },
  {
    name: 'entries-chained',
    rule: 'Every entry begins where the one before it ended, the first at 0, adds up, and ends at 0 or more.',
    count: 'select count(*) from entry',
    broken: `
      select 'entry ' || id || ': ' || balance_before || ' ' || to_char(amount, 'SG999999999999999') || ' = ' || balance_after
        || ' as number ' || seq || ' of wallet ' || wallet_id || ', after ' || ended as name
      from (
        select e.*, coalesce(lag(balance_after) over chain, 0) as ended, row_number() over chain as place
        from entry e window chain as (partition by wallet_id order by seq)
      ) e
      where balance_before <> ended or seq <> place or balance_before + amount <> balance_after or balance_after < 0`,
  },
  {
    name: 'entries-have-cause',
    rule: 'Money comes by CHARGE and REFUND, comes or goes by ADJUSTMENT, and goes by the others; PAYMENT and REFUND are of a payment, REFUND is of a refund, CHARGE_CANCEL is of an entry, EXPIRY leaves 0, ADJUSTMENT has a reason.',
    count: 'select count(*) from entry',
    broken: `
      select 'entry ' || e.id || ': ' || e.kind || ' of ' || e.amount || ' in wallet ' || e.wallet_id || ' to ' || e.balance_after
        || ', payment ' || coalesce(p.id::text, e.payment_id || ' that is none', 'none')
        || ', cancels ' || coalesce(e.cancels_id::text, 'none') as name
      from entry e left join payment p on p.id = e.payment_id
      where e.kind not in ('CHARGE', 'CHARGE_CANCEL', 'PAYMENT', 'REFUND', 'EXPIRY', 'ADJUSTMENT')
        or e.amount = 0 or (e.kind <> 'ADJUSTMENT' and (e.amount > 0) <> (e.kind in ('CHARGE', 'REFUND')))
        or (e.reason is not null) <> (e.kind = 'ADJUSTMENT')
        or (e.payment_id is not null) <> (e.kind in ('PAYMENT', 'REFUND')) or (e.payment_id is not null and p.id is null)
        or (e.refund_id is not null) <> (e.kind = 'REFUND')
        or (e.cancels_id is not null) <> (e.kind = 'CHARGE_CANCEL') or (e.kind = 'EXPIRY' and e.balance_after <> 0)`,
  },
  {
    name: 'charges-cancelled-once',
    rule: 'Every CHARGE_CANCEL takes back the whole of an earlier CHARGE of its own wallet, and no other does.',
    count: `select count(*) from entry where kind = 'CHARGE_CANCEL'`,
    broken: `
      select 'entry ' || c.id || ': cancels ' || coalesce(c.cancels_id::text, 'nothing') as name
      from (
        select *, count(*) over (partition by cancels_id) as times from entry where kind = 'CHARGE_CANCEL'
      ) c
      left join entry e on e.id = c.cancels_id and e.kind = 'CHARGE' and e.wallet_id = c.wallet_id
        and e.amount = -c.amount and e.seq < c.seq
      where e.id is null or c.times > 1`,
  },
  {
    name: 'adjustments-logged',
    rule: "Every ADJUSTMENT has its row in the operators' log, of adjustWallet, with its entry and its wallet, and no such row is without one.",
    count: `select count(*) from entry where kind = 'ADJUSTMENT'`,
    broken: `
      select 'entry ' || e.id || ': ' || e.amount || ' in wallet ' || e.wallet_id || ' that no operator is logged for' as name
      from entry e
      where e.kind = 'ADJUSTMENT' and not exists (
        select from operator_log l where l.mutation = 'adjustWallet' and l.subject_ids @> array[e.id, e.wallet_id])
      union all
      select 'operator_log ' || l.id || ': adjustWallet without its entry' from operator_log l
      where l.mutation = 'adjustWallet' and not exists (
        select from entry e where e.id = any(l.subject_ids) and e.kind = 'ADJUSTMENT' and e.wallet_id = any(l.subject_ids))`,
  },
  {
    name: 'charges-completed-once',
    rule: 'Every charge that the payment provider completed has a CHARGE of its amount in the wallet of its user, which no other charge has; every other charge has none.',
    count: 'select count(*) from pending_charge',
    broken: `
      select 'pending_charge ' || c.id || ': ' || c.status || ' of ' || c.amount || ', entry ' || coalesce(c.entry_id::text, 'none')
        as name
      from (select *, count(*) over (partition by entry_id) as times from pending_charge) c
      left join entry e on e.id = c.entry_id and e.kind = 'CHARGE' and e.wallet_id = c.user_id and e.amount = c.amount
      where (c.status = 'COMPLETED') <> (e.id is not null) or (c.entry_id is not null and (e.id is null or c.times > 1))`,
  },
];
