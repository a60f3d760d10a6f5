import type { Context } from '../api/context.ts';
import { runAlone } from '../commands/runner.ts';
import { hashInTurn } from './hashing.ts';
import { hashPassword, isWeaker } from './password.ts';
import { User } from './user.ts';

/**
 * Hashes the password of a user who has just signed in again, where the kept hash is weaker than the configuration asks
 * for. The user is signed in all the same when that does not come about: the next sign-in tries again.
 */
export async function strengthenHash({ platform, client }: Context, user: User, password: string): Promise<void> {
  const { id, name, passwordHash } = user;
  if (passwordHash === null || !isWeaker(platform.config, passwordHash)) return;
  try {
    const asker = { sort: 'KNOWN_NAME', name, client } as const;
    const stronger = await hashInTurn(platform, asker, () => hashPassword(platform.config, password));
    // A password that was changed in the meantime stays.
    await runAlone(platform, (em) => em.nativeUpdate(User, { id, passwordHash }, { passwordHash: stronger }));
  } catch (error) {
    platform.log.warn({ userId: id, error: String(error) }, 'a password hash was not strengthened');
  }
}
