import { createHash, createHmac } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Ids processed before other work gets its turn. */
const IDS_PER_TURN = 1_000;

/** By lane, the lower-case hex SHA-256 of each entrant's token value. */
export type PublicIds = ReadonlyMap<string, readonly string[]>;

/**
 * The order that the contract's QueueShuffle prescribes: digest = SHA-256 of all public ids, ascending, joined by "\n";
 * key = SHA-256(seed + digest); each lane sorted by HMAC-SHA-256(key, public id), ascending as hex. A keyed sort by a
 * pseudo-random function draws each order with the same probability (to within 2^-256), and the order cannot be predicted
 * without the seed. The work is done in parts, so that a process that draws a million entries continues to serve.
 * @param seed 32 bytes
 * @returns by lane, the public ids in the order drawn
 */
export async function drawOrder(seed: Buffer, entrants: PublicIds): Promise<Map<string, string[]>> {
  const digest = createHash('sha256');
  const all = await sortInTurns([...entrants.values()].flat());
  for (const [index, id] of all.entries()) digest.update(index === 0 ? id : `\n${id}`);
  const key = createHash('sha256').update(seed).update(digest.digest()).digest();
  const order = new Map<string, string[]>();
  for (const [lane, ids] of entrants) order.set(lane, await drawLane(key, ids));
  return order;
}

async function drawLane(key: Buffer, ids: readonly string[]): Promise<string[]> {
  const idOf = new Map<string, string>();
  for (const [index, id] of ids.entries()) {
    if (index % IDS_PER_TURN === 0) await nextTurn();
    idOf.set(createHmac('sha256', key).update(id, 'ascii').digest('hex'), id);
  }
  return (await sortInTurns([...idOf.keys()])).map((mac) => idOf.get(mac) as string);
}

/** Sorts random hex text in parts: first by the leading three digits, then the texts that have those in common. */
async function sortInTurns(texts: readonly string[]): Promise<string[]> {
  if (texts.length <= IDS_PER_TURN) return [...texts].sort();
  const parts: string[][] = Array.from({ length: 4_096 }, () => []);
  for (const [index, text] of texts.entries()) {
    if (index % (10 * IDS_PER_TURN) === 0) await nextTurn();
    parts[Number.parseInt(text.slice(0, 3), 16)]?.push(text);
  }
  let sorted = 0;
  for (const part of parts) {
    part.sort();
    sorted += part.length;
    if (sorted > IDS_PER_TURN) {
      sorted = 0;
      await nextTurn();
    }
  }
  return parts.flat();
}
