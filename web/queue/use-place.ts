import { useCallback, useEffect, useReducer, useState } from 'react';
import { useSession } from '../account/session.ts';
import { MyPlacesDocument, type PlaceFragment } from '../gql/graphql.ts';
import { client } from '../server/client.ts';
import { forgetPlace, keepPlace, keptPlace, watchKept } from './kept-places.ts';
import { type Way, watchPlace } from './watch-place.ts';

/** What is known of the user's place in a queue. */
export type Seen =
  | { readonly state: 'looking' }
  | { readonly state: 'none' }
  | { readonly state: 'failed'; readonly error: unknown; readonly retry: () => void }
  | {
      readonly state: 'found';
      readonly place: PlaceFragment;
      readonly way: Way;
      /** How far the place has moved since it was seen first, 0 .. 1. */
      readonly progress: number;
    };

/** The user's place in a queue, live: the one kept in this browser, else the one that the server knows. Never enters. */
export function usePlace(queueId: string | undefined): { seen: Seen; take: (place: PlaceFragment) => void } {
  const session = useSession();
  const userId = session.status === 'signed-in' ? session.user.id : undefined;
  const [seen, setSeen] = useState<Seen>({ state: 'looking' });
  const [turn, look] = useReducer((turns: number) => turns + 1, 0);

  // biome-ignore lint/correctness/useExhaustiveDependencies: `turn` says that another place is kept now, or that it is asked for again
  useEffect(() => {
    if (queueId === undefined || userId === undefined) return;
    let isOver = false;
    let stop: (() => void) | undefined;
    const tell = (place: PlaceFragment | null | undefined, way: Way): void => {
      if (place === null) {
        forgetPlace(userId, queueId);
        setSeen({ state: 'none' });
        return;
      }
      if (place) keepPlace(userId, queueId, place.value, place.position);
      setSeen((before) => {
        if (place) return { state: 'found', place, way, progress: progressOf(userId, place) };
        return before.state === 'found' ? { ...before, way } : before;
      });
    };
    const begin = async (): Promise<void> => {
      const value = keptPlace(userId, queueId)?.value ?? (await findPlace(queueId));
      if (isOver) return;
      if (value === undefined) setSeen({ state: 'none' });
      else stop = watchPlace(value, tell);
    };
    begin().catch((error: unknown) => !isOver && setSeen({ state: 'failed', error, retry: look }));
    const unhear = watchKept(userId, queueId, look);
    return () => {
      isOver = true;
      stop?.();
      unhear();
    };
  }, [queueId, userId, turn]);

  const take = useCallback(
    (place: PlaceFragment) => {
      if (userId === undefined) return;
      keepPlace(userId, place.queueId, place.value, place.position);
      setSeen({ state: 'found', place, way: 'live', progress: progressOf(userId, place) });
      look();
    },
    [userId],
  );
  return { seen, take };
}

async function findPlace(queueId: string): Promise<string | undefined> {
  const { data } = await client.query({ query: MyPlacesDocument, fetchPolicy: 'network-only' });
  return data?.queueTokens.find((place) => place.queueId === queueId)?.value;
}

function progressOf(userId: string, { queueId, status, position }: PlaceFragment): number {
  if (status === 'ACTIVE') return 1;
  const from = keptPlace(userId, queueId)?.from ?? null;
  return from === null || position === null ? 0 : (from - position) / from;
}
