import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OPERATORS_LOCK, rowsOf, USERS, userLock } from '../commands/lock-order.ts';
import { run, type Verb } from '../commands/runner.ts';
import { forkOf, type Platform } from '../platform/platform.ts';
import { withAdvisoryLock } from '../platform/postgres.ts';
import { createUser } from './create-user.ts';
import { hashPassword, isPassword } from './password.ts';
import { endSessions } from './sign-out-everywhere.ts';
import { User } from './user.ts';

export interface Operator {
  readonly name: string;
  /** Set when this start generated it. */
  readonly password?: string;
  /** The file that keeps a generated password. */
  readonly file?: string;
}

/**
 * Makes sure that an operator can sign in. With OPERATOR_PASSWORD set, it keeps the account of OPERATOR_NAME with that
 * password; where the account had another one, its sessions end. Else the first start creates an account with a generated
 * password, kept in a file in DATA_DIR with mode 0600.
 */
export async function keepOperator(platform: Platform): Promise<Operator> {
  const { OPERATOR_NAME, OPERATOR_PASSWORD } = platform.config;
  // One after another, so that of processes that start together only the first finds another password and ends sessions.
  return withAdvisoryLock(forkOf(platform), 'operator', async () => {
    if (OPERATOR_PASSWORD) return keepAccount(platform, OPERATOR_NAME ?? 'operator', OPERATOR_PASSWORD);
    const existing = await findOperator(platform, OPERATOR_NAME);
    return existing ?? generateAccount(platform, OPERATOR_NAME ?? 'operator');
  });
}

/** The operator with that name; without a name, the first one created. */
async function findOperator(platform: Platform, name: string | undefined): Promise<Operator | undefined> {
  const where = { role: 'OPERATOR' as const, issuer: null, ...(name !== undefined && { name }) };
  const user = await forkOf(platform).findOne(User, where, { orderBy: { createdAt: 'asc' } });
  return user ? { name: user.name } : undefined;
}

async function keepAccount(platform: Platform, name: string, password: string): Promise<Operator> {
  const known = await forkOf(platform).findOne(User, { name, issuer: null });
  if (known?.role === 'OPERATOR' && (await isPassword(platform.config, password, known.passwordHash))) return { name };
  const passwordHash = await hashPassword(platform.config, password);
  if (!known && (await makeOperator(platform, name, passwordHash))) return { name };
  const { id: userId } = known ?? (await forkOf(platform).findOneOrFail(User, { name, issuer: null }));
  await run({ platform, isOver: () => false }, KEEP_ACCOUNT, { userId, passwordHash });
  return { name };
}

const KEEP_ACCOUNT: Verb<{ readonly userId: string; readonly passwordHash: string }, undefined> = {
  name: 'keepOperator',
  contends: ({ userId }) => [`user:${userId}`],
  locks: ({ userId }) => ({ exclusive: [userLock(userId), OPERATORS_LOCK], rows: [rowsOf(USERS, [userId])] }),

  decide({ asked: { userId, passwordHash } }, scene) {
    const user = scene.get(USERS, userId);
    Object.assign(user, { role: 'OPERATOR', passwordHash });
    endSessions(user, scene);
    return undefined;
  },
};

/** Creates an operator. @returns null when the name is taken */
function makeOperator(platform: Platform, name: string, passwordHash: string): Promise<User | null> {
  return createUser({ platform, isOver: () => false }, { name, role: 'OPERATOR', passwordHash });
}

/**
 * Writes the password to its file before it creates the account, so that an account never exists with a lost password.
 */
async function generateAccount(platform: Platform, name: string): Promise<Operator> {
  const { DATA_DIR } = platform.config;
  if (await forkOf(platform).findOne(User, { name, issuer: null }))
    throw new Error(`${name} is a buyer: set OPERATOR_PASSWORD too, to make it the operator`);
  const password = randomBytes(15).toString('base64url');
  const file = join(DATA_DIR, 'operator');
  await mkdir(DATA_DIR, { recursive: true });
  await writeFile(file, `OPERATOR_NAME=${name}\nOPERATOR_PASSWORD=${password}\n`, { mode: 0o600 });
  const made = await makeOperator(platform, name, await hashPassword(platform.config, password));
  if (!made) throw new Error(`${name} has just signed up: choose another OPERATOR_NAME`);
  return { name, password, file };
}
