import type { Context } from '../context.ts';
import { idOf } from '../input.ts';
import { Latest } from '../platform/latest.ts';
import { tokenIdOf } from '../queue/queue-keys.ts';
import { watchToken } from '../queue/queue-watch.ts';
import { mergeChanges, type SeatChange, seatsOf, toSeatChange } from './seat-change.ts';

/** Seats of a show as they are held, released and sold; ends when the token that opened it is no longer ACTIVE. */
export async function watchSeats(context: Context, showIdText: string): Promise<AsyncIterable<SeatChange>> {
  const showId = idOf('showId', showIdText);
  const { platform, pass } = context;
  const stops: (() => void)[] = [];
  const changes = new Latest<SeatChange>(() => {
    for (const stop of stops.splice(0)) stop();
  }, mergeChanges);
  const { messages } = platform;
  stops.push(await messages.listen(seatsOf(showId), (seats) => changes.push(toSeatChange(showId, seats, false))));
  stops.push(messages.onGap(() => changes.push(toSeatChange(showId, [], true))));
  if (pass) {
    const end = (): void => changes.end();
    const stop = await watchToken(
      platform,
      pass.queueId,
      tokenIdOf(pass.tokenHash),
      ({ token }) => token.status === 'ACTIVE' || end(),
      end,
    );
    if (changes.ended) stop();
    else stops.push(stop);
  }
  return changes;
}
