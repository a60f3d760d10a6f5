import type { EntityManager } from '@mikro-orm/core';
import { prepared, sql } from '../platform/postgres.ts';

/** Locks a coupon, and with it who gets the next ones. */
export async function lockCoupon(em: EntityManager, id: string): Promise<void> {
  await sql(em, prepared('select id from coupon where id = $1 for no key update'), [id]);
}
