import type { EntityManager } from '@mikro-orm/core';
import type { Role } from '../api/context.ts';
import { newId } from '../platform/ids.ts';
import { sql } from '../platform/postgres.ts';
import { User } from './user.ts';

interface NewUser {
  readonly name: string;
  readonly role: Role;
  /** PHC string; left out for users of an identity provider. */
  readonly passwordHash?: string;
  /** `iss` and `sub` of an identity provider's token. */
  readonly foreign?: { readonly issuer: string; readonly subject: string };
}

/**
 * Makes the user and its empty wallet in one statement.
 * @returns the user, or undefined when the name (or the foreign identity) is taken
 */
export async function createUser(em: EntityManager, user: NewUser): Promise<User | undefined> {
  const [row] = await sql<object>(
    em,
    `with made as (
       insert into user_account (id, name, role, password_hash, issuer, subject)
       values ($1, $2, $3, $4, $5, $6)
       on conflict do nothing
       returning id, name, role, password_hash, created_at
     ), wallet as (insert into wallet (user_id) select id from made)
     select * from made`,
    [
      newId(),
      user.name,
      user.role,
      user.passwordHash ?? null,
      user.foreign?.issuer ?? null,
      user.foreign?.subject ?? null,
    ],
  );
  return row && em.map(User, row);
}
