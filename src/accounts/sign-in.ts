import type { Context } from '../api/context.ts';
import { badInput, type Refusal, refuse } from '../api/problems.ts';
import { issueSession } from './issue-session.ts';
import { isPassword } from './password.ts';
import type { CredentialsInput, Session } from './session.ts';
import { User } from './user.ts';

/** Longer names and passwords are refused before hashing; sign-up does not accept them either. */
const MAX_NAME = 200;
const MAX_PASSWORD = 400;

/**
 * Opens a session for a user who knows the password.
 * @returns a Session; a Refusal INVALID_CREDENTIALS, the same for an unknown name and a wrong password
 */
export async function signIn(context: Context, { name, password }: CredentialsInput): Promise<Session | Refusal> {
  if (name.length > MAX_NAME) throw badInput('input.name', `must have at most ${MAX_NAME} characters`);
  if (password.length > MAX_PASSWORD) throw badInput('input.password', `must have at most ${MAX_PASSWORD} characters`);
  if (name.includes('\0')) return refuse('INVALID_CREDENTIALS');
  const user = await context.em.findOne(User, { name, passwordHash: { $ne: null } });
  const right = await isPassword(password, user?.passwordHash ?? null);
  if (!user || !right) return refuse('INVALID_CREDENTIALS');
  context.noteSignIn(user.id);
  return issueSession(context.platform, user);
}
