import type { Context } from '../api/context.ts';
import { badInput, type Refusal, refuse } from '../api/problems.ts';
import { MAX_NAME, MAX_PASSWORD, uncountUse } from '../api/rate-limits.ts';
import { runAlone } from '../commands/runner.ts';
import { findByName } from './find-by-name.ts';
import { hashInTurn } from './hashing.ts';
import { openSession } from './open-session.ts';
import { hashPassword, isPassword, isWeaker } from './password.ts';
import type { CredentialsInput, Session } from './session.ts';
import { User } from './user.ts';

/** What an attempt counts for; one that succeeds does not count. */
export const SIGN_IN_RATES = ['signInsFromAddress', 'signInsOfName'] as const;

/**
 * Opens a session for a user who knows the password.
 * @returns a Session; a Refusal INVALID_CREDENTIALS, the same for an unknown name and a wrong password
 * @throws CallerError RATE_LIMITED when too many sign in at once
 */
export async function signIn(context: Context, input: CredentialsInput): Promise<Session | Refusal> {
  const { name, password } = input;
  if (name.length > MAX_NAME) throw badInput('input.name', `must have at most ${MAX_NAME} characters`);
  if (password.length > MAX_PASSWORD) throw badInput('input.password', `must have at most ${MAX_PASSWORD} characters`);
  if (name.includes('\0')) return refuse('INVALID_CREDENTIALS');
  const { platform, client } = context;
  const user = await findByName(platform, name);
  const asker = { sort: user ? 'KNOWN_NAME' : 'UNKNOWN_NAME', name, client } as const;
  const check = () => isPassword(platform.config, password, user?.passwordHash ?? null);
  if (!(await hashInTurn(platform, asker, check)) || !user) return refuse('INVALID_CREDENTIALS');
  await uncountUse(context, { input }, SIGN_IN_RATES);
  await strengthenHash(context, user, password);
  return openSession(context, user, input);
}

/**
 * Hashes the password of a user who has just signed in again, where the kept hash is weaker than the configuration asks
 * for. The user is signed in all the same when that does not come about: the next sign-in tries again.
 */
async function strengthenHash({ platform, client }: Context, user: User, password: string): Promise<void> {
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
