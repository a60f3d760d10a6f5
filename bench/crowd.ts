// Sends invented buyers through the queue of a running Onsale, to have something to watch:
//   npm run crowd -- 200 [--url http://127.0.0.1:4000/graphql]
// Asks as the pages do, with their documents: also a server that answers no others. Ends when everybody is through, after half
// an hour, or with Ctrl-C: who still has a place then gives it up.
import { parseArguments } from './crowd/arguments.ts';
import { type Ask, asker } from './crowd/ask.ts';
import { goShopping, secondsOf } from './crowd/buyer.ts';
import { findGate, type Gate } from './crowd/gate.ts';
import { arrivals } from './crowd/pace.ts';
import { Tally } from './crowd/tally.ts';

const SECOND = 1_000;
const MAX_MS = 30 * 60 * SECOND;
/** What a server that hangs may take from the end. */
const FAREWELL_MS = 10 * SECOND;
/** Hashing a password keeps a core busy for tens of milliseconds. */
const SIGN_UPS_AT_ONCE = 4;

async function main(): Promise<void> {
  const { count, url } = parseArguments(process.argv.slice(2));
  const stop = new AbortController();
  const ask = asker(url, stop.signal);
  const gate = await findGate(ask);
  const minutes = Math.ceil(secondsOf(count, gate) / 60);
  say(`${count} buyers go to ${gate.title}: its queue lets ${gate.capacity} in at a time.`);
  say(`That takes about ${minutes} min. Ctrl-C ends it.`);
  const tally = new Tally(count);
  process.once('SIGINT', () => stop.abort('stopped by hand'));
  process.once('SIGTERM', () => stop.abort('stopped by hand'));
  const timeIsUp = setTimeout(() => stop.abort('half an hour is over'), MAX_MS);
  const lines = setInterval(() => rewrite(tally.line()), process.stdout.isTTY ? SECOND : 10 * SECOND);
  const everybody = sendEverybody(gate, ask, tally, count, stop.signal);
  await Promise.race([everybody, farewellOver(stop.signal)]);
  clearInterval(lines);
  clearTimeout(timeIsUp);
  rewrite(tally.line());
  say('');
  say(tally.summary(stop.signal.aborted ? String(stop.signal.reason) : 'everybody is through'));
}

async function sendEverybody(gate: Gate, ask: Ask, tally: Tally, count: number, stop: AbortSignal): Promise<void> {
  const arriveAt = arrivals(count);
  const begun = Date.now();
  const crowd = `${begun.toString(36)}${process.pid.toString(36)}`;
  const buyers: Promise<void>[] = [];
  let next = 0;
  const signUpSome = async (): Promise<void> => {
    for (let index = next++; index < count && !stop.aborted; index = next++) {
      const signedUp = Promise.withResolvers<void>();
      const arriveInMs = (): number => begun + (arriveAt[index] ?? 0) - Date.now();
      const name = `crowd ${crowd} ${index + 1}`;
      buyers.push(goShopping({ name, gate, ask, tally, stop, arriveInMs, onSignedUp: signedUp.resolve }));
      await signedUp.promise;
    }
  };
  await Promise.all(Array.from({ length: SIGN_UPS_AT_ONCE }, signUpSome));
  await Promise.all(buyers);
}

function farewellOver(stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => stop.addEventListener('abort', () => setTimeout(resolve, FAREWELL_MS)));
}

/** Writes over the line before it; where that cannot be, because nobody looks at a terminal, below it. */
function rewrite(line: string): void {
  if (process.stdout.isTTY) process.stdout.write(`\r${line.slice(0, process.stdout.columns - 1)}\x1b[K`);
  else say(line);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

main().then(
  () => process.exit(0),
  (error: unknown) => process.stderr.write(`${(error as Error).message}\n`, () => process.exit(1)),
);
