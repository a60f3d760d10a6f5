import { useEffect, useReducer, useState } from 'react';
import { SeatChangesDocument, SeatMapDocument, SeatStatesDocument } from '../gql/graphql.ts';
import { client, isSocketOpen, socket } from '../server/client.ts';
import { Hall, type Seat } from './hall.ts';

/** Most seats of one answer. */
const PAGE = 5_000;
/** How often the status of all seats is asked for while nothing is pushed. */
const ASK_MS = 5_000;

export interface LiveHall {
  readonly hall: Hall | undefined;
  readonly error: unknown;
  /** Whether changes are pushed. */
  readonly isLive: boolean;
  /** Reads the seats again after an error. */
  readonly retry: () => void;
}

/**
 * The seats of a show, kept as they are: changes are pushed, and asked for while nothing is pushed. The hall tells its
 * changes itself, past React: there may be hundreds a second.
 * @param queueToken of the queue in front, where there is one
 */
export function useLiveHall(showId: string, queueToken: string | undefined): LiveHall {
  const [turn, retry] = useReducer((turns: number) => turns + 1, 0);
  const [live, setLive] = useState<LiveHall>({ hall: undefined, error: undefined, isLive: isSocketOpen(), retry });
  // biome-ignore lint/correctness/useExhaustiveDependencies: each turn reads the seats
  useEffect(() => {
    let isOver = false;
    let isRefused = false;
    let hall: Hall | undefined;
    let changedSince = new Set<string>();
    const askForStates = async (): Promise<void> => {
      changedSince = new Set();
      const { data } = await client.query({
        query: SeatStatesDocument,
        variables: { showId },
        fetchPolicy: 'no-cache',
        context: { queueToken, isPoll: true },
      });
      if (data) hall?.applyStates(data.seatStates.states, changedSince);
    };
    const catchUp = (): void => void askForStates().catch(() => undefined);
    const tellLive = (isLive: boolean): void => {
      if (!isOver) setLive((before) => (before.isLive === isLive ? before : { ...before, isLive }));
    };

    let asking = isSocketOpen() ? undefined : setInterval(catchUp, ASK_MS);
    const askAlways = (): void => {
      if (isOver) return;
      clearInterval(asking);
      asking = setInterval(catchUp, ASK_MS);
      tellLive(false);
    };
    const unhear = [
      socket.on('connected', () => {
        if (isRefused) return;
        clearInterval(asking);
        tellLive(true);
        // What changed while nothing was pushed.
        if (hall) catchUp();
      }),
      socket.on('closed', askAlways),
    ];
    // Before the seats are read, so that no change falls between; what comes early is older than what is read then.
    const changes = client
      .subscribe({
        query: SeatChangesDocument,
        variables: { showId },
        fetchPolicy: 'no-cache',
        extensions: queueToken === undefined ? {} : { queueToken },
      })
      .subscribe({
        next: ({ data }) => {
          if (!data) return;
          if (data.seatChanges.resync) catchUp();
          for (const { id } of data.seatChanges.seats) changedSince.add(id);
          hall?.apply(data.seatChanges.seats);
        },
        error: () => {
          isRefused = true;
          askAlways();
        },
      });
    readSeats(showId, queueToken).then(
      (seats) => {
        hall = new Hall(seats);
        if (!isOver) setLive((before) => ({ ...before, hall, error: undefined }));
        catchUp();
      },
      (error: unknown) => !isOver && setLive((before) => ({ ...before, error })),
    );
    return () => {
      isOver = true;
      clearInterval(asking);
      changes.unsubscribe();
      for (const stop of unhear) stop();
    };
  }, [showId, queueToken, turn]);
  return live;
}

async function readSeats(showId: string, queueToken: string | undefined): Promise<Seat[]> {
  const seats: Seat[] = [];
  for (;;) {
    const { data } = await client.query({
      query: SeatMapDocument,
      variables: { showId, first: PAGE, afterNumber: seats.at(-1)?.number ?? null },
      fetchPolicy: 'no-cache',
      context: { queueToken },
    });
    const page = data?.seatMap ?? [];
    seats.push(...page);
    if (page.length < PAGE) return seats;
  }
}
