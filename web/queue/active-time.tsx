import type { ReactNode } from 'react';
import type { PlaceFragment } from '../gql/graphql.ts';
import { useSecondsUntil } from '../server/clock.ts';
import { countdown } from '../words/formats.ts';
import { useWords } from '../words/language.tsx';

const LITTLE_SECONDS = 60;

/** How long a place that is ACTIVE has left. */
export function ActiveTime({ place: { activeUntil } }: { place: PlaceFragment }): ReactNode {
  const { queue: words } = useWords();
  const seconds = useSecondsUntil(activeUntil ?? '');
  if (activeUntil === null) return null;
  return (
    <p className={`badge figures ${seconds <= LITTLE_SECONDS ? 'bad' : 'good'}`} role="timer">
      {words.timeLeft} {countdown(seconds)}
    </p>
  );
}
