import type { EntityManager } from '@mikro-orm/core';
import type { Scene } from '../commands/runner.ts';
import { sql } from '../platform/postgres.ts';

const known = new WeakMap<Scene, Set<string>>();

/**
 * Reads the ids of the operators who can sign in here, for a command that holds OPERATORS_LOCK.
 * @returns one set for all commands of the batch, of whatever verb: who takes or gives the role changes it
 */
export async function readOperators(em: EntityManager, scene: Scene): Promise<Set<string>> {
  const text = `select id from user_account where role = 'OPERATOR' and password_hash is not null`;
  const operators = known.get(scene) ?? new Set((await sql<{ id: string }>(em, text)).map(({ id }) => id));
  known.set(scene, operators);
  return operators;
}
