import type pg from 'pg';

export interface Chain {
  readonly entries: number;
  /** Every entry starts where the one before ended, the first at 0, and the last one ends at the balance. */
  readonly unbroken: boolean;
  readonly sum: number;
}

/** A wallet's entries, looked at past the product. */
export async function chainOf(pool: pg.Pool, userId: string): Promise<Chain> {
  const { rows } = await pool.query<Chain>(
    `select count(*)::int as entries, sum(amount)::float8 as sum,
       bool_and(balance_before = before) and max(seq) = count(*)
         and (select balance from wallet where user_id = $1) = sum(amount) as unbroken
     from (select *, coalesce(lag(balance_after) over (order by seq), 0) as before from entry where wallet_id = $1) e`,
    [userId],
  );
  return rows[0] as Chain;
}
