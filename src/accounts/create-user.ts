import type { Role } from '../api/context.ts';
import { type Caller, run, type Verb } from '../commands/runner.ts';
import { breaksConstraint } from '../platform/faults.ts';
import { newId } from '../platform/ids.ts';
import { Wallet } from '../wallet/wallet.ts';
import { User } from './user.ts';

interface NewUser {
  readonly name: string;
  readonly role: Role;
  /** PHC string; left out for users of an identity provider. */
  readonly passwordHash?: string;
  /** `iss` and `sub` of an identity provider's token. */
  readonly foreign?: { readonly issuer: string; readonly subject: string };
}

/** Users that exist, by `identityOf`; users that the batch creates are added. */
type Taken = Set<string>;

const CREATE_USER: Verb<NewUser, User | null, undefined, Taken> = {
  name: 'createUser',
  contends: (user) => [identityOf(user)],
  locks: () => ({}),

  async facts(em, items) {
    const identities = items.map(({ asked: { name, foreign } }) => foreign ?? { name, issuer: null });
    const users = await em.find(User, { $or: identities }, { disableIdentityMap: true });
    const taken: Taken = new Set(
      users.map(({ name, issuer, subject }) =>
        identityOf({ name, ...(issuer !== null && subject !== null && { foreign: { issuer, subject } }) }),
      ),
    );
    return items.map(() => taken);
  },

  decide({ asked, facts: taken }, scene) {
    const identity = identityOf(asked);
    if (taken.has(identity)) return null;
    taken.add(identity);
    const { name, role, passwordHash = null, foreign } = asked;
    const user = Object.assign(new User(), {
      id: newId(),
      name,
      role,
      passwordHash,
      issuer: foreign?.issuer ?? null,
      subject: foreign?.subject ?? null,
      sessionVersion: 0,
      sessionsEndedAt: null,
      deletedAt: null,
      createdAt: scene.now,
    });
    scene.insert(
      user,
      Object.assign(new Wallet(), { userId: user.id, balance: 0, seq: 0, version: 0, movedOn: null, closedAt: null }),
    );
    return user;
  },
};

/**
 * Creates a user with an empty wallet.
 * @returns the user; null when the name, or the identity at the identity provider, is taken
 */
export async function createUser(caller: Caller, user: NewUser): Promise<User | null> {
  try {
    return await run(caller, CREATE_USER, user);
  } catch (error) {
    // Another process has created the user at the same time.
    if (breaksConstraint(error, 'user_account_name') || breaksConstraint(error, 'user_account_issuer_subject_key'))
      return null;
    throw error;
  }
}

/** The unique identity of a user: the name or, for users of an identity provider, the issuer and the subject. */
function identityOf({ name, foreign }: Pick<NewUser, 'name' | 'foreign'>): string {
  return foreign ? `foreign:${JSON.stringify([foreign.issuer, foreign.subject])}` : `user:${name}`;
}
