import { useQuery } from '@apollo/client/react';
import type { ReactNode } from 'react';
import { Link, useParams } from 'react-router';
import { FaultNotice } from '../frame/notices.tsx';
import { Loading, NotFound, Page } from '../frame/page.tsx';
import { ConcertDocument } from '../gql/graphql.ts';
import { useFormats } from '../words/formats.ts';
import { useWords } from '../words/language.tsx';
import { useSettings } from '../words/settings.tsx';
import look from './concerts.module.css';
import { Picture } from './picture.tsx';
import { ShowRow } from './show-row.tsx';

/** One concert: what it is, its dates, and the way in, through the waiting room where there is one. */
export default function ConcertPage(): ReactNode {
  const { concerts: words } = useWords();
  const { number, duration } = useFormats();
  const { timeZone } = useSettings();
  const { slug = '' } = useParams();
  const { data, error, refetch } = useQuery(ConcertDocument, {
    variables: { slug },
    fetchPolicy: 'cache-and-network',
  });
  if (error && !data) return <FaultNotice error={error} retry={() => void refetch()} />;
  if (!data) return <Loading />;
  const concert = data.concertBySlug;
  if (!concert) return <NotFound />;
  const { title, artist, description, imageUrl, queue, shows } = concert;
  return (
    <Page title={title}>
      <div className={look.hero}>
        <Picture url={imageUrl} title={title} />
        <div className="stack">
          {artist && artist !== title && <p className="strong">{artist}</p>}
          {description && <p className={look.text}>{description}</p>}
          {queue && (
            <>
              <p className="soft">{words.waitingRoom(number(queue.capacity), duration(queue.activeSeconds))}</p>
              <p>
                <Link className="button primary" to={`/concerts/${slug}/waiting`}>
                  {words.buy}
                </Link>
              </p>
            </>
          )}
          <h2>{words.datesTitle}</h2>
          {shows.length === 0 && <p className="soft">{words.noDates}</p>}
          <ul className={look.shows}>
            {shows.map((show) => (
              <ShowRow key={show.id} show={show} slug={slug} isOpen={!queue} />
            ))}
          </ul>
          <p className="small soft">{words.timeZone(timeZone)}</p>
        </div>
      </div>
    </Page>
  );
}
