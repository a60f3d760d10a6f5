import type { Context } from '../api/context.ts';
import { sql } from '../platform/postgres.ts';

/**
 * Whether the caller is an operator now. The role in the token may have been withdrawn since, so the user's row
 * decides, unless an identity provider keeps the accounts.
 */
export async function isOperator({ caller, em, platform }: Context): Promise<boolean> {
  if (caller?.role !== 'OPERATOR') return false;
  if (platform.config.AUTH_JWKS_URL) return true;
  const text = `select id from user_account where id = $1 and role = 'OPERATOR'`;
  return (await sql(em, text, [caller.id])).length > 0;
}
