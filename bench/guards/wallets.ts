import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { Subject } from './subject.ts';

/** Charges of 1; a wallet has room for as many as its limit says. */
export const WALLETS: Subject = {
  name: 'wallet',
  guards: ['optimistic', 'pessimistic', 'redis-lock'],
  worker: fileURLToPath(new URL('./wallet-worker.ts', import.meta.url)),

  async make(pool, keys) {
    const ids = Array.from({ length: keys }, () => randomUUID());
    await pool.query(
      `with made as (
         insert into user_account (id, name, role) select id, id::text, 'BUYER' from unnest($1::uuid[]) id returning id
       ) insert into wallet (user_id) select id from made`,
      [ids],
    );
    return ids;
  },

  async requireExact(pool, ids, room) {
    const { rowCount } = await pool.query(
      'select from wallet where user_id = any($1) and (balance <> $2 or seq <> $2)',
      [ids, room],
    );
    if (rowCount !== 0) throw new Error(`${rowCount} wallets do not have the balance that they should have`);
  },
};
