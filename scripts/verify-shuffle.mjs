// Recomputes the order in which a scheduled queue was drawn, from what anybody may ask, and says where tokens stand in it.
// Shares no code with the server: the rule is the one that the schema tells of QueueShuffle.
import { createHash, createHmac } from 'node:crypto';
import { parseArgs } from 'node:util';

const USAGE = `usage: npm run verify-shuffle -- <url> <queueId> [token value...] [--commitment <hex>]
  url           where GraphQL is served, such as http://127.0.0.1:4000/graphql
  token value   says where the holder of that token was placed; it is hashed here and not sent
  --commitment  the commitment that you noted before the opening
exit code: 0 the order is right, 1 it is wrong, 2 it could not be looked at`;

const PAGE = 10_000;
const PRIORITIES = [9, 8, 7, 6, 5, 4, 3, 2, 1, 0];

const QUERY = `query ($queueId: ID!, $priority: Int!, $first: Int!, $offset: Int!) {
  queueShuffle(queueId: $queueId) {
    commitment seed entrants order(priority: $priority, first: $first, offset: $offset)
  }
}`;

/** What keeps the order from being looked at at all. */
class Unavailable extends Error {}
class Misuse extends Error {}

const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();
const hex = (bytes) => bytes.toString('hex');

async function ask(url, variables) {
  const body = JSON.stringify({ query: QUERY, variables });
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body }).catch(
    (error) => {
      throw new Unavailable(`${url} cannot be reached: ${error.cause?.message ?? error.message}`);
    },
  );
  const answer = await response.json().catch(() => undefined);
  if (!answer) throw new Unavailable(`${url} answered ${response.status} without JSON`);
  if (answer.errors) throw new Unavailable(`${url} answered: ${answer.errors[0]?.message}`);
  if (!answer.data) throw new Unavailable(`${url} answered ${response.status}, and not as GraphQL does`);
  if (!answer.data.queueShuffle) throw new Unavailable('this queue is unknown, or was never scheduled');
  return answer.data.queueShuffle;
}

/** The commitment and seed, and by priority the whole order, page by page. */
async function readShuffle(url, queueId) {
  const lanes = new Map();
  let shuffle;
  for (const priority of PRIORITIES) {
    const order = [];
    for (;;) {
      const page = await ask(url, { queueId, priority, first: PAGE, offset: order.length });
      if (shuffle && ['commitment', 'seed', 'entrants'].some((field) => page[field] !== shuffle[field])) {
        throw new Unavailable('the queue was opened just now: ask again');
      }
      shuffle = page;
      order.push(...page.order);
      if (page.order.length < PAGE || order.length > page.entrants) break;
    }
    lanes.set(priority, order);
  }
  return { ...shuffle, lanes };
}

/** Everything that is wrong, in sentences; nothing when the order is the one that the seed makes. */
function faultsOf({ commitment, seed, entrants, lanes }, noted) {
  const faults = [];
  if (noted !== undefined && noted.toLowerCase() !== commitment) {
    faults.push(`the commitment is ${commitment}, not the one that you noted`);
  }
  if (!/^[0-9a-f]{64}$/.test(seed)) return [...faults, 'the seed is not 32 bytes in hex'];
  const bytes = Buffer.from(seed, 'hex');
  if (hex(sha256(bytes)) !== commitment) faults.push('the seed is not the one that was committed to');
  const all = [...lanes.values()].flat().sort();
  if (all.length !== entrants) faults.push(`${entrants} entrants are told, but the orders have ${all.length}`);
  const odd = all.find((id, index) => !/^[0-9a-f]{64}$/.test(id) || id === all[index - 1]);
  if (odd !== undefined) faults.push(`${odd} is no public id, or there twice`);
  const key = sha256(bytes, sha256(all.join('\n')));
  for (const [priority, order] of lanes) {
    const right = drawnOrder(key, order);
    const wrong = order.filter((id, index) => id !== right[index]).length;
    if (wrong === 0) continue;
    const first = order.findIndex((id, index) => id !== right[index]);
    faults.push(
      `priority ${priority}: ${wrong} of ${order.length} stand where the seed does not put them, from place ${first + 1} on`,
    );
  }
  return faults;
}

function drawnOrder(key, ids) {
  const drawn = ids.map((id) => [hex(createHmac('sha256', key).update(id, 'ascii').digest()), id]);
  return drawn.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, id]) => id);
}

function placeOf({ lanes }, value) {
  const id = hex(sha256(value));
  for (const [priority, order] of lanes) {
    const index = order.indexOf(id);
    if (index >= 0)
      return `token ${value}: public id ${id}, priority ${priority}, place ${index + 1} of ${order.length}`;
  }
  return `token ${value}: public id ${id} was not drawn: it came after the opening, left before it, or is another queue's`;
}

function readArguments(args) {
  try {
    const options = { commitment: { type: 'string' } };
    const { values, positionals } = parseArgs({ args, allowPositionals: true, options });
    const [url, queueId, ...tokens] = positionals;
    if (queueId && URL.canParse(url)) return { url, queueId, tokens, noted: values.commitment };
  } catch (error) {
    throw new Misuse(error.message);
  }
  throw new Misuse('a URL and the id of a queue are needed');
}

async function main(args) {
  const { url, queueId, tokens, noted } = readArguments(args);
  const shuffle = await readShuffle(url, queueId);
  const { commitment, seed, entrants, lanes } = shuffle;
  say(`commitment ${commitment}`);
  if (seed === null)
    throw new Unavailable('the queue has not opened yet: note the commitment, and ask again when it has');
  say(`seed ${seed}`);
  for (const [priority, order] of lanes) if (order.length > 0) say(`priority ${priority}: ${order.length} drawn`);
  for (const token of tokens) say(placeOf(shuffle, token));
  const faults = faultsOf(shuffle, noted);
  for (const fault of faults) say(`WRONG: ${fault}`);
  if (faults.length === 0) say(`OK: all ${entrants} entrants stand in the order that the seed makes`);
  return faults.length === 0 ? 0 : 1;
}

function say(line) {
  process.stdout.write(`${line}\n`);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Unavailable) && !(error instanceof Misuse)) throw error;
  process.stderr.write(`${error.message}\n${error instanceof Misuse ? `${USAGE}\n` : ''}`);
  process.exitCode = 2;
}
