import { PlaceChangesDocument, PlaceDocument, type PlaceFragment } from '../gql/graphql.ts';
import { client, isSocketOpen, socket } from '../server/client.ts';
import { watchConnection } from '../server/connection.ts';
import { faultOf } from '../server/faults.ts';

/** How the place is known: pushed, asked for because nothing is pushed, or as it was when the connection was lost. */
export type Way = 'live' | 'polled' | 'lost';

/** The socket is tried alone for so long, in milliseconds; a network that blocks it answers polls. */
const FIRST_MS = 3_000;
/** The server pushes at least every 10 s. */
const QUIET_MS = 13_000;
const AGAIN_MS = 2_000;

/**
 * Tells a place now and whenever it changes: as the server pushes it, and by asking as often as the server says while
 * nothing is pushed. Goes on by itself after the connection was lost.
 * @param tell hears null for a place that is unknown or another user's
 * @returns how to stop
 */
export function watchPlace(
  value: string,
  tell: (place: PlaceFragment | null | undefined, way: Way) => void,
): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isOver = false;
  let isRefused = false;

  const askIn = (milliseconds: number): void => {
    clearTimeout(timer);
    if (!isOver) timer = setTimeout(() => void ask(), milliseconds);
  };

  const take = (place: PlaceFragment | null, way: Way): void => {
    if (isOver) return;
    tell(place, way);
    const hasEnded = place?.status !== 'WAITING' && place?.status !== 'ACTIVE';
    if (hasEnded) stop();
    else askIn(way === 'live' ? QUIET_MS : place.pollAfterMs);
  };

  const ask = async (): Promise<void> => {
    try {
      const options = { fetchPolicy: 'network-only', context: { isPoll: true } } as const;
      const { data } = await client.query({ query: PlaceDocument, variables: { value }, ...options });
      // One answer that is asked for, as after the tab has slept, does not mean that nothing is pushed.
      if (data) take(data.queueToken, isSocketOpen() && !isRefused ? 'live' : 'polled');
    } catch (error) {
      const { retryAfterMs } = faultOf(error);
      if (retryAfterMs === undefined && !isOver) tell(undefined, 'lost');
      askIn(retryAfterMs ?? AGAIN_MS);
    }
  };

  const changes = client.subscribe({ query: PlaceChangesDocument, variables: { value } }).subscribe({
    next: ({ data }) => data && take(data.queuePosition, 'live'),
    error: () => {
      isRefused = true;
      askIn(0);
    },
  });
  const unhearSocket = socket.on('closed', () => askIn(AGAIN_MS * Math.random()));
  const unhearConnection = watchConnection((isOnline) => {
    if (isOnline) askIn(0);
    else if (!isOver) tell(undefined, 'lost');
  });
  // A tab that was hidden may have slept.
  const wake = (): void => {
    if (document.visibilityState === 'visible') askIn(FIRST_MS);
  };
  document.addEventListener('visibilitychange', wake);

  const stop = (): void => {
    isOver = true;
    clearTimeout(timer);
    changes.unsubscribe();
    unhearSocket();
    unhearConnection();
    document.removeEventListener('visibilitychange', wake);
  };
  askIn(FIRST_MS);
  return stop;
}
