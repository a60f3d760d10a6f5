import { useQuery } from '@apollo/client/react';
import type { ReactNode } from 'react';
import { Link } from 'react-router';
import { More } from '../frame/more.tsx';
import { FaultNotice } from '../frame/notices.tsx';
import { Loading, Page } from '../frame/page.tsx';
import { type ConcertCardFragment, ConcertsDocument } from '../gql/graphql.ts';
import { useFormats } from '../words/formats.ts';
import { useWords } from '../words/language.tsx';
import look from './concerts.module.css';
import { Picture } from './picture.tsx';

/** All concerts, with their pictures. */
export function ConcertsPage(): ReactNode {
  const { concerts: words } = useWords();
  const { data, error, refetch, fetchMore } = useQuery(ConcertsDocument);
  const edges = data?.concerts.edges ?? [];
  return (
    <Page title={words.title}>
      {error && <FaultNotice error={error} retry={() => void refetch()} />}
      {!data && !error && <Loading />}
      {data && edges.length === 0 && (
        <div className="empty">
          <h2>{words.none}</h2>
          <p className="soft">{words.noneHelp}</p>
        </div>
      )}
      {edges.length > 0 && <p className="soft">{words.lead}</p>}
      <ul className={look.grid}>
        {edges.map(({ node }) => (
          <Card key={node.id} concert={node} />
        ))}
      </ul>
      <More pageInfo={data?.concerts.pageInfo} fetchMore={fetchMore} />
    </Page>
  );
}

function Card({ concert: { slug, title, artist, imageUrl, shows } }: { concert: ConcertCardFragment }): ReactNode {
  const { concerts: words } = useWords();
  const { money, date } = useFormats();
  const coming = shows.filter(({ cancelledAt }) => cancelledAt === null);
  const first = coming[0];
  const least = Math.min(...coming.map(({ price }) => price));
  return (
    <li className={look.card}>
      <Picture url={imageUrl} title={title} />
      <div className={look.about}>
        <h2>
          <Link to={`/concerts/${slug}`}>{title}</Link>
        </h2>
        {artist && artist !== title && <p className="soft">{artist}</p>}
        {first ? (
          <>
            <p className="small">
              {date(first.startsAt)} · {first.venue}
            </p>
            <p className="row">
              <span className="strong figures">{words.from(money(least))}</span>
              <span className="badge">{words.dates(coming.length)}</span>
            </p>
          </>
        ) : (
          <p className="small soft">{words.noDates}</p>
        )}
      </div>
    </li>
  );
}
