import { createUnionType, Field, ID, InputType } from 'type-graphql';
import type { Context, Role as RoleName } from '../api/context.ts';
import { idOf } from '../api/input.ts';
import { notFound, Refusal, refuse } from '../api/problems.ts';
import { OPERATORS_LOCK, rowsOf, USERS, userLock } from '../commands/lock-order.ts';
import { run, type Verb } from '../commands/runner.ts';
import { readOperators } from './read-operators.ts';
import { endSessions } from './sign-out-everywhere.ts';
import { Role, User } from './user.ts';

@InputType({ description: 'A user and a role' })
export class SetRoleInput {
  @Field(() => ID, { description: 'Id of the user' })
  userId!: string;

  @Field(() => Role, { description: 'The role from now on' })
  role!: RoleName;
}

export const SetRoleResult = createUnionType({
  name: 'SetRoleResult',
  description: 'The user with the role, or a Refusal `LAST_OPERATOR`',
  types: () => [User, Refusal] as const,
});

/** Ids of the operators who can sign in; the roles that the batch sets change it. */
type Operators = Set<string>;

const SET_ROLE: Verb<SetRoleInput, User | Refusal, undefined, Operators> = {
  name: 'setRole',
  contends: ({ userId }) => [`user:${userId}`, OPERATORS_LOCK],
  locks: ({ userId }) => ({ exclusive: [userLock(userId), OPERATORS_LOCK], rows: [rowsOf(USERS, [userId])] }),

  async facts(em, items, scene) {
    const operators = await readOperators(em, scene);
    return items.map(() => operators);
  },

  decide({ asked: { userId, role }, facts: operators }, scene) {
    const user = scene.find(USERS, userId);
    if (!user || user.deletedAt !== null) throw notFound('user');
    if (user.role === role) return user;
    if (operators.size === 1 && operators.has(userId)) return refuse('LAST_OPERATOR');
    user.role = role;
    if (role === 'OPERATOR') operators.add(userId);
    else operators.delete(userId);
    endSessions(user, scene);
    return user;
  },
};

/**
 * Gives a user a role, and ends the user's sessions, whose access tokens name the old one.
 * @returns the user; a Refusal LAST_OPERATOR when nobody else who can sign in is an operator
 * @throws CallerError NOT_FOUND for an unknown or deleted user
 */
export function setRole(context: Context, { userId, role }: SetRoleInput): Promise<User | Refusal> {
  return run(context, SET_ROLE, { userId: idOf('input.userId', userId), role });
}
