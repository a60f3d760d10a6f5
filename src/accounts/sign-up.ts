import type { Context } from '../api/context.ts';
import { textOf } from '../api/input.ts';
import { badInput, type Refusal, refuse } from '../api/problems.ts';
import { createUser } from './create-user.ts';
import { findByName } from './find-by-name.ts';
import { hashInTurn, patient } from './hashing.ts';
import { openSession } from './open-session.ts';
import { hashPassword } from './password.ts';
import type { CredentialsInput, Session } from './session.ts';

const NAME_CHARACTERS = { min: 3, max: 40 } as const;
export const PASSWORD_CHARACTERS = { min: 8, max: 200 } as const;

/**
 * Creates a BUYER with an empty wallet and signs the user in.
 * @returns a Session; a Refusal NAME_TAKEN
 * @throws CallerError BAD_USER_INPUT for a name or password of the wrong length, or a name with control characters or
 * spaces at its ends; RATE_LIMITED when too many sign up at once
 */
export async function signUp(context: Context, input: CredentialsInput): Promise<Session | Refusal> {
  checkName(input.name);
  textOf('input.password', input.password, PASSWORD_CHARACTERS.min, PASSWORD_CHARACTERS.max);
  const { platform, client } = context;
  const { name, password } = input;
  // A password whose answer is known need not be hashed.
  if (await findByName(platform, name)) return refuse('NAME_TAKEN');
  const asker = { sort: 'NEW_NAME', name, client } as const;
  const passwordHash = await hashInTurn(platform, asker, () => hashPassword(platform.config, password));
  const user = await createUser(patient(context), { name, role: 'BUYER', passwordHash });
  return user ? openSession(context, user, input) : refuse('NAME_TAKEN');
}

function checkName(name: string): void {
  textOf('input.name', name, NAME_CHARACTERS.min, NAME_CHARACTERS.max);
  if (/\p{Cc}|^\s|\s$/u.test(name)) {
    throw badInput('input.name', 'must have no control characters, and no spaces at its ends');
  }
}
