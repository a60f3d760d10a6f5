import {
  type Connection,
  keysetSql,
  loadNodes,
  type PageArgs,
  pageOf,
  toConnection,
  type ValueKey,
  valueKey,
  valueKeyText,
} from '../api/connection.ts';
import type { Batch, Context } from '../api/context.ts';
import { textOf } from '../api/input.ts';
import { parseId } from '../platform/ids.ts';
import { sql } from '../platform/postgres.ts';
import { User } from './user.ts';

/** Longest text that is searched for, in characters. */
const MAX_SEARCH = 200;

/** The name without case, in the order of the index `user_account_search`. */
const FOLDED = `lower(u.name) collate "C"`;

/**
 * Reads a page of users by name, case aside.
 * @param search an id, which finds that user alone, or the beginning of a name, in any case; undefined or spaces for all
 * @throws CallerError BAD_USER_INPUT for a malformed page, and for a search of more than 200 characters
 */
export async function readUsers(
  context: Context,
  search: string | undefined,
  args: PageArgs,
): Promise<Connection<User>> {
  const page = pageOf('user', args, valueKey);
  const wanted = textOf('search', search ?? '', 0, MAX_SEARCH).trim();
  const params: unknown[] = [];
  const param = (value: unknown): string => `$${params.push(value)}`;
  const conditions: string[] = [];
  const id = parseId(wanted);
  if (id !== undefined) conditions.push(`u.id = ${param(id)}`);
  else if (wanted !== '') conditions.push(`${FOLDED} ^@ lower(${param(wanted)})`);
  const keyset = keysetSql(page, [FOLDED, 'u.id'], 'asc', (key) => [
    `${param(key.value)}::text`,
    `${param(key.id)}::uuid`,
  ]);
  conditions.push(...keyset.conditions);
  const rows = await sql<ValueKey>(
    context.em,
    `select u.id, ${FOLDED} as value from user_account u
     ${conditions.length > 0 ? `where ${conditions.join(' and ')}` : ''} ${keyset.order}`,
    params,
  );
  return loadNodes(context, toConnection(page, rows, valueKeyText), usersById);
}

/** Loads users by id; each id must exist. */
export const usersById: Batch<User> = async ({ em }, ids) => {
  const users = new Map((await em.find(User, { id: { $in: [...ids] } })).map((user) => [user.id, user]));
  return ids.map((id) => users.get(id) as User);
};
