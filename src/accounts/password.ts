import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';
import pLimit from 'p-limit';

/** OWASP's recommendation for argon2id: 19 MiB, two passes, one lane. */
const COST = { memory: 19_456, passes: 2, parallelism: 1 } as const;
const TAG_BYTES = 32;

/** Most hashes computed at once; others wait, so that many sign-ups leave processors and threads to other requests. */
const MAX_HASHES = Math.max(1, availableParallelism() - 1);

const limit = pLimit(MAX_HASHES);

const hash = promisify(argon2);

function derive(...args: Parameters<typeof hash>): Promise<Buffer> {
  return limit(() => hash(...args));
}

/** @returns a PHC string of argon2id (RFC 9106) with a random salt. Takes tens of milliseconds of a thread */
export async function hashPassword(password: string): Promise<string> {
  const nonce = randomBytes(16);
  const tag = await derive('argon2id', { message: password, nonce, tagLength: TAG_BYTES, ...COST });
  const cost = `m=${COST.memory},t=${COST.passes},p=${COST.parallelism}`;
  return `$argon2id$v=19$${cost}$${base64(nonce)}$${base64(tag)}`;
}

/** Whether `password` matches the PHC string, hashed at the cost in it. For null it takes as long and returns false. */
export async function isPassword(password: string, phc: string | null): Promise<boolean> {
  const [, , , cost, salt, tag] = (phc ?? (await decoy())).split('$');
  const [memory, passes, parallelism] = (cost?.match(/\d+/g) ?? []).map(Number);
  if (!memory || !passes || !parallelism || !salt || !tag) throw new Error('a stored password hash is malformed');
  const expected = Buffer.from(tag, 'base64');
  const nonce = Buffer.from(salt, 'base64');
  const actual = await derive('argon2id', {
    message: password,
    nonce,
    tagLength: TAG_BYTES,
    memory,
    passes,
    parallelism,
  });
  return timingSafeEqual(actual, expected) && phc !== null;
}

let decoyHash: Promise<string> | undefined;

/**
 * A hash for unknown names: they take as long as a wrong password, so that the time does not reveal which names exist.
 */
function decoy(): Promise<string> {
  decoyHash ??= hashPassword(randomBytes(16).toString('hex'));
  return decoyHash;
}

function base64(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
