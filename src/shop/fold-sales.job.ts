import { runAlone } from '../commands/runner.ts';
import type { Job } from '../platform/jobs.ts';
import { sql, tryLock } from '../platform/postgres.ts';
import { SECOND } from '../platform/units.ts';

/** Most changes that one run adds: more than a second of sales, and few enough for a statement of some milliseconds. */
const MAX_AT_ONCE = 10_000;

/**
 * Adds changes, of payments and of refunds, to the sales of their days. It changes no answer.
 *
 * A refund's change is written after the payment's change was committed: it has the higher id, and every snapshot that
 * has the one has the other. So a run that takes the lowest ids of its snapshot never brings a sale below zero. The
 * lock only keeps processes from waiting for each other: the process that deletes a change is the one that adds it.
 */
export const foldSales: Job = {
  name: 'fold-sales',
  everyMs: SECOND,
  async run(platform) {
    await runAlone(platform, async (em) => {
      if (!(await tryLock(em, 'fold-sales'))) return;
      await sql(
        em,
        `with folded as (
           delete from sale_change where id in (select id from sale_change order by id limit $1)
           returning day, product_id, quantity, revenue
         ), change as (
           select day, product_id, sum(quantity)::bigint as quantity, sum(revenue)::bigint as revenue
           from folded group by day, product_id
         )
         merge into sale s using change c on s.day = c.day and s.product_id = c.product_id
         when matched then update set quantity = s.quantity + c.quantity, revenue = s.revenue + c.revenue
         when not matched then insert (day, product_id, quantity, revenue)
           values (c.day, c.product_id, c.quantity, c.revenue)`,
        [MAX_AT_ONCE],
      );
    });
  },
};
