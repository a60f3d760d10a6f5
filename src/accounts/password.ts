import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import type { Config } from '../config.ts';

const TAG_BYTES = 32;

const hash = promisify(argon2);

/** What a hash costs, as HASH_MEMORY_KIB and HASH_PASSES say. */
type Cost = Pick<Config, 'HASH_MEMORY_KIB' | 'HASH_PASSES'>;

/** @returns a PHC string of argon2id (RFC 9106) with a random salt. Takes tens of milliseconds of a thread */
export async function hashPassword({ HASH_MEMORY_KIB, HASH_PASSES }: Cost, password: string): Promise<string> {
  const nonce = randomBytes(16);
  const [memory, passes, parallelism] = [HASH_MEMORY_KIB, HASH_PASSES, 1];
  const tag = await hash('argon2id', { message: password, nonce, tagLength: TAG_BYTES, memory, passes, parallelism });
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${base64(nonce)}$${base64(tag)}`;
}

/**
 * Whether `password` matches the PHC string, hashed at the cost in it. For null it takes as long as a new hash and returns
 * false, so that the time does not reveal which names exist.
 */
export async function isPassword(cost: Cost, password: string, phc: string | null): Promise<boolean> {
  if (phc === null) {
    await hashPassword(cost, password);
    return false;
  }
  const { memory, passes, parallelism, salt: nonce, tag } = read(phc);
  const actual = await hash('argon2id', {
    message: password,
    nonce,
    tagLength: TAG_BYTES,
    memory,
    passes,
    parallelism,
  });
  return timingSafeEqual(actual, tag);
}

/** Whether the PHC string took less memory, or fewer passes, than a new hash would. */
export function isWeaker({ HASH_MEMORY_KIB, HASH_PASSES }: Cost, phc: string): boolean {
  const { memory, passes } = read(phc);
  return memory < HASH_MEMORY_KIB || passes < HASH_PASSES;
}

function read(phc: string) {
  const [, , , cost, salt, tag] = phc.split('$');
  const [memory, passes, parallelism] = (cost?.match(/\d+/g) ?? []).map(Number);
  if (!memory || !passes || !parallelism || !salt || !tag) throw new Error('a stored password hash is malformed');
  return { memory, passes, parallelism, salt: Buffer.from(salt, 'base64'), tag: Buffer.from(tag, 'base64') };
}

function base64(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
