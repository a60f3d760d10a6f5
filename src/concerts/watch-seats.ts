import type { Context } from '../api/context.ts';
import { idOf } from '../api/input.ts';
import { ConflatingIterator } from '../platform/conflating-iterator.ts';
import { readToken } from '../queue/line/line.ts';
import { type TokenView, tokenIdOf } from '../queue/queue-token.ts';
import { watchToken } from '../queue/replica/queue-watch.ts';
import type { Seat } from './seat.ts';
import { mergeChanges, type SeatChange, seatsOf, toSeatChange } from './seat-change.ts';

/** Seats of a show as they are held, released and sold; ends when the token that opened it is no longer ACTIVE. */
export async function watchSeats(context: Context, showIdText: string): Promise<AsyncIterable<SeatChange>> {
  const showId = idOf('showId', showIdText);
  const stops: (() => void)[] = [];
  const changes = new ConflatingIterator<SeatChange>(() => {
    for (const stop of stops.splice(0)) stop();
  }, mergeChanges);
  try {
    stops.push(...(await listen(context, showId, changes)));
  } catch (error) {
    changes.end();
    throw error;
  }
  // Whoever left while this was being set up has ended it already.
  if (changes.ended) for (const stop of stops.splice(0)) stop();
  return changes;
}

/** What a message tells is one object for all who hear it, so that it is written once. */
const shared = new WeakMap<readonly Seat[], SeatChange>();

function sharedChange(showId: string, seats: Seat[]): SeatChange {
  const change = shared.get(seats) ?? toSeatChange(showId, seats, false);
  shared.set(seats, change);
  return change;
}

/** Feeds `changes` until the functions answered are called. */
async function listen(
  { platform, pass }: Context,
  showId: string,
  changes: ConflatingIterator<SeatChange>,
): Promise<(() => void)[]> {
  const { messages } = platform;
  const stop = await messages.listen(seatsOf(showId), (seats) => changes.push(sharedChange(showId, seats)));
  const stops = [stop, messages.onGap(() => changes.push(toSeatChange(showId, [], true)))];
  if (!pass) return stops;
  const end = (): void => changes.end();
  const judge = ({ token }: TokenView): void => {
    if (token.status !== 'ACTIVE') end();
  };
  try {
    const tokenId = tokenIdOf(pass.tokenHash);
    const view = await readToken(platform, pass.queueId, tokenId);
    if (view) return [...stops, await watchToken(platform, pass.queueId, tokenId, view, judge, end)];
    end();
    return stops;
  } catch (error) {
    for (const undo of stops) undo();
    throw error;
  }
}
