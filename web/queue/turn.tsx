import { useQuery } from '@apollo/client/react';
import type { ReactNode } from 'react';
import look from '../concerts/concerts.module.css';
import { ShowRow } from '../concerts/show-row.tsx';
import { FaultNotice } from '../frame/notices.tsx';
import { Loading } from '../frame/page.tsx';
import { AvailableDatesDocument, type PlaceFragment } from '../gql/graphql.ts';
import { useWords } from '../words/language.tsx';
import { ActiveTime } from './active-time.tsx';
import { Leave } from './leave.tsx';

const LOOK_AGAIN_MS = 5_000;

interface Props {
  readonly concert: { readonly id: string; readonly slug: string };
  readonly place: PlaceFragment;
}

/** The turn has come: the dates that have free seats, and how long there is to buy. */
export function Turn({ concert: { id, slug }, place }: Props): ReactNode {
  const { queue, dates: words } = useWords();
  const { data, error, refetch } = useQuery(AvailableDatesDocument, {
    variables: { concertId: id },
    context: { queueToken: place.value },
    pollInterval: LOOK_AGAIN_MS,
    fetchPolicy: 'cache-and-network',
  });
  const dates = data?.availableDates;
  return (
    <>
      <div className="row">
        <ActiveTime place={place} />
        <p className="soft">{queue.turnHelp}</p>
      </div>
      <h2>{words.title}</h2>
      {error && !dates && <FaultNotice error={error} retry={() => void refetch()} />}
      {!dates && !error && <Loading />}
      {dates?.length === 0 && (
        <div className="empty">
          <p className="strong">{words.none}</p>
          <p className="soft">{words.noneHelp}</p>
        </div>
      )}
      <ul className={look.shows}>
        {dates?.map((show) => (
          <ShowRow key={show.id} show={show} slug={slug} isOpen />
        ))}
      </ul>
      <div>
        <Leave place={place} />
      </div>
    </>
  );
}
