import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { Subject } from './subject.ts';

/** Claims, each by another user; a coupon has room for as many as its quantity says. */
export const COUPONS: Subject = {
  name: 'coupon',
  guards: ['optimistic', 'pessimistic', 'redis-lock'],
  worker: fileURLToPath(new URL('./coupon-worker.ts', import.meta.url)),

  async make(pool, keys, room) {
    const ids = Array.from({ length: keys }, () => randomUUID());
    await pool.query(
      `insert into coupon (id, name, discount_kind, value, minimum_subtotal, quantity, starts_at, ends_at)
       select id, 'bench', 'FIXED', 1, 0, $2, now() - interval '1 hour', now() + interval '1 day' from unnest($1::uuid[]) id`,
      [ids, room],
    );
    return ids;
  },

  async requireExact(pool, ids, room) {
    const { rowCount } = await pool.query(
      `select from coupon c left join issued_coupon i on i.coupon_id = c.id where c.id = any($1)
       group by c.id having c.issued <> $2 or count(i.id) <> $2 or max(i.serial) <> $2`,
      [ids, room],
    );
    if (rowCount !== 0) throw new Error(`${rowCount} coupons were not issued as often as they should have been`);
  },
};
