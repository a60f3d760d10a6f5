import type { Context } from '../api/context.ts';
import { textOf } from '../api/input.ts';
import { badInput, type Refusal, refuse } from '../api/problems.ts';
import { createUser } from './create-user.ts';
import { findByName } from './find-by-name.ts';
import { hashInTurn } from './hashing.ts';
import { issueSession } from './issue-session.ts';
import { hashPassword } from './password.ts';
import type { CredentialsInput, Session } from './session.ts';

const NAME_CHARACTERS = { min: 3, max: 40 } as const;
const PASSWORD_CHARACTERS = { min: 8, max: 200 } as const;

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
  // Waiting for the hash may have taken longer than other requests last.
  const { requestId } = context;
  const noteCommand = context.noteCommand.bind(context);
  const caller = { platform, isOver: () => client.isGone(), requestId, noteCommand };
  const user = await createUser(caller, { name, role: 'BUYER', passwordHash });
  if (!user) return refuse('NAME_TAKEN');
  context.noteSignIn(user.id);
  return issueSession(platform, user);
}

function checkName(name: string): void {
  textOf('input.name', name, NAME_CHARACTERS.min, NAME_CHARACTERS.max);
  if (/\p{Cc}|^\s|\s$/u.test(name)) {
    throw badInput('input.name', 'must have no control characters, and no spaces at its ends');
  }
}
