import { Field, InputType } from 'type-graphql';
import type { Context } from '../api/context.ts';
import { textOf } from '../api/input.ts';
import { badInput, CallerError, type Refusal, refuse } from '../api/problems.ts';
import { MAX_PASSWORD } from '../api/rate-limits.ts';
import { rowsOf, USERS, userLock } from '../commands/lock-order.ts';
import { run, type Verb } from '../commands/runner.ts';
import { hashInTurn, patient } from './hashing.ts';
import { openSession } from './open-session.ts';
import { hashPassword, isPassword } from './password.ts';
import { sessionOf } from './refuse-foreign.ts';
import type { Session } from './session.ts';
import { endSessions } from './sign-out-everywhere.ts';
import { PASSWORD_CHARACTERS } from './sign-up.ts';
import { User } from './user.ts';

@InputType({ description: 'The present password and the new one' })
export class ChangePasswordInput {
  @Field(() => String, { description: 'The password with which the caller signs in now' })
  oldPassword!: string;

  @Field(() => String, { description: '8 .. 200 characters' })
  newPassword!: string;

  @Field(() => Boolean, {
    defaultValue: false,
    description: 'As in CredentialsInput, for the session that is answered',
  })
  remember!: boolean;
}

interface Change {
  readonly userId: string;
  /** The user's version when the old password was found right. */
  readonly version: number;
  /** PHC string of the new password. */
  readonly passwordHash: string;
}

const CHANGE_PASSWORD: Verb<Change, User> = {
  name: 'changePassword',
  contends: ({ userId }) => [`user:${userId}`],
  locks: ({ userId }) => ({ exclusive: [userLock(userId)], rows: [rowsOf(USERS, [userId])] }),

  decide({ asked: { userId, version, passwordHash } }, scene) {
    const user = scene.get(USERS, userId);
    // The password, the role or the sessions were changed meanwhile: the old password may be right no more.
    if (user.sessionVersion !== version) throw new CallerError('UNAUTHENTICATED');
    user.passwordHash = passwordHash;
    endSessions(user, scene);
    return user;
  },
};

/**
 * Changes the caller's password and ends all sessions of the caller, that of the access token too.
 * @returns a new Session; a Refusal INVALID_CREDENTIALS when the old password is wrong: then nothing is changed
 * @throws CallerError BAD_USER_INPUT for a new password of the wrong length; FORBIDDEN when an identity provider keeps the
 * passwords; RATE_LIMITED; UNAUTHENTICATED when the session ends meanwhile
 */
export async function changePassword(context: Context, input: ChangePasswordInput): Promise<Session | Refusal> {
  const { oldPassword, newPassword } = input;
  const { userId } = sessionOf(context);
  if (oldPassword.length > MAX_PASSWORD) {
    throw badInput('input.oldPassword', `must have at most ${MAX_PASSWORD} characters`);
  }
  textOf('input.newPassword', newPassword, PASSWORD_CHARACTERS.min, PASSWORD_CHARACTERS.max);
  const { platform, client } = context;
  const known = await context.em.findOne(User, { id: userId });
  if (!known) throw new CallerError('UNAUTHENTICATED');
  const { sessionVersion: version, passwordHash: kept } = known;
  const asker = { sort: 'KNOWN_NAME', name: known.name, client } as const;
  if (!(await hashInTurn(platform, asker, () => isPassword(platform.config, oldPassword, kept)))) {
    return refuse('INVALID_CREDENTIALS');
  }
  const passwordHash = await hashInTurn(platform, asker, () => hashPassword(platform.config, newPassword));
  const user = await run(patient(context), CHANGE_PASSWORD, { userId, version, passwordHash });
  return openSession(context, user, input);
}
