import type { ReactNode } from 'react';
import { Link } from 'react-router';
import type { PlaceFragment } from '../gql/graphql.ts';
import { useWords } from '../words/language.tsx';
import { Enter } from './enter.tsx';

/** Why a place has ended, and how to go on. */
export function Ended({ place, taken }: { place: PlaceFragment; taken: (place: PlaceFragment) => void }): ReactNode {
  const { queue: words, purchase } = useWords();
  const reason = place.endReason ?? 'ACTIVE_TIME_OVER';
  const isPaid = reason === 'PAID';
  return (
    <>
      <p className={`notice ${isPaid ? 'good' : 'warn'}`} role="status">
        {words.ended[reason]}
      </p>
      {isPaid && (
        <p>
          <Link className="button primary" to="/tickets">
            {purchase.toTickets}
          </Link>
        </p>
      )}
      <Enter queue={place.queue} label={words.enterAgain} taken={taken} />
    </>
  );
}
