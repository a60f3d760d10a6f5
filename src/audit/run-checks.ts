import { type AloneClient, withConnectionOfItsOwn } from '../platform/postgres-alone.ts';
import { Audit, AuditCheck } from './audit.ts';
import type { Check } from './check.ts';
import { COUPON_CHECKS } from './coupon-checks.ts';
import { PAYMENT_CHECKS } from './payment-checks.ts';
import { SEAT_CHECKS } from './seat-checks.ts';
import { SHOP_CHECKS } from './shop-checks.ts';
import { WALLET_CHECKS } from './wallet-checks.ts';

const CHECKS: readonly Check[] = [
  ...SEAT_CHECKS,
  ...WALLET_CHECKS,
  ...PAYMENT_CHECKS,
  ...SHOP_CHECKS,
  ...COUPON_CHECKS,
];

/** Most rows that a check names. */
const MAX_NAMED = 20;

/**
 * Runs the audit: counts everything again from the rows, in one read-only snapshot, over a connection outside the pool,
 * to which the pool's time limits do not apply.
 * @param maxMs milliseconds that it may take
 * @throws Error of the connection; an Error that is a SERVICE_UNAVAILABLE when it takes longer than `maxMs`
 */
export function runChecks(databaseUrl: string, maxMs: number): Promise<Audit> {
  return withConnectionOfItsOwn(databaseUrl, maxMs, async (client) => {
    await client.query('begin isolation level repeatable read read only');
    // A million rows are counted faster when they are sorted in memory and no time is spent on compiling.
    await client.query(`set local work_mem = '64MB'`);
    await client.query('set local jit = off');
    const { rows } = await client.query<{ at: Date }>('select now() as at');
    const checks: AuditCheck[] = [];
    for (const check of CHECKS) checks.push(await runCheck(client, check));
    await client.query('commit');
    return Object.assign(new Audit(), {
      at: rows[0]?.at,
      ok: checks.every(({ violations }) => violations === 0),
      checks,
    });
  });
}

async function runCheck(client: AloneClient, { name, rule, count, broken }: Check): Promise<AuditCheck> {
  const { rows } = await client.query<Pick<AuditCheck, 'checked' | 'violations' | 'rows'>>(
    `with broken as materialized (${broken})
     select (${count})::int as checked, (select count(*)::int from broken) as violations,
       array(select name from broken order by name limit ${MAX_NAMED}) as rows`,
  );
  return Object.assign(new AuditCheck(), { name, rule, ...rows[0] });
}
