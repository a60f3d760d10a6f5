import { useQuery } from '@apollo/client/react';
import { type ReactNode, useEffect, useRef } from 'react';
import { Navigate, useParams } from 'react-router';
import { FaultNotice } from '../frame/notices.tsx';
import { ForUsers, Loading, NotFound, Page } from '../frame/page.tsx';
import { ConcertDocument, type ConcertQuery } from '../gql/graphql.ts';
import { useFormats } from '../words/formats.ts';
import { useWords } from '../words/language.tsx';
import { chime } from './chime.ts';
import { Ended } from './ended.tsx';
import { Enter } from './enter.tsx';
import { Turn } from './turn.tsx';
import { usePlace } from './use-place.ts';
import { Waiting } from './waiting.tsx';

type Concert = NonNullable<ConcertQuery['concertBySlug']>;

/** The waiting room of a concert: how to get in, the place while it waits, and the dates when its turn has come. */
export default function WaitingPage(): ReactNode {
  const { slug = '' } = useParams();
  const { data, error, refetch } = useQuery(ConcertDocument, { variables: { slug } });
  if (error && !data) return <FaultNotice error={error} retry={() => void refetch()} />;
  if (!data) return <Loading />;
  if (!data.concertBySlug) return <NotFound />;
  if (!data.concertBySlug.queue) return <Navigate to={`/concerts/${slug}`} replace />;
  return (
    <ForUsers>
      <Room concert={data.concertBySlug} queue={data.concertBySlug.queue} />
    </ForUsers>
  );
}

function Room({ concert, queue }: { concert: Concert; queue: NonNullable<Concert['queue']> }): ReactNode {
  const words = useWords();
  const { number } = useFormats();
  const { seen, take } = usePlace(queue.id);
  const status = seen.state === 'found' ? seen.place.status : undefined;
  const statusBefore = useRef(status);
  useEffect(() => {
    if (status === 'ACTIVE' && statusBefore.current === 'WAITING') chime();
    statusBefore.current = status;
  }, [status]);
  if (seen.state === 'looking') return <Loading />;
  if (seen.state === 'failed') return <FaultNotice error={seen.error} retry={seen.retry} />;
  if (seen.state === 'none') {
    return (
      <Page title={concert.title}>
        <Enter queue={queue} taken={take} />
      </Page>
    );
  }
  const { place, way, progress } = seen;
  if (place.status === 'ACTIVE') {
    return (
      <Page title={words.queue.turn} tabTitle={words.queue.turnTitle}>
        <Turn concert={concert} place={place} />
      </Page>
    );
  }
  if (place.status !== 'WAITING') {
    return (
      <Page title={concert.title}>
        <Ended place={place} taken={take} />
      </Page>
    );
  }
  const { position } = place;
  const tabTitle = position === null ? words.queue.title : words.queue.waitingTitle(number(position));
  return (
    <Page title={concert.title} tabTitle={tabTitle}>
      <Waiting place={place} way={way} progress={progress} />
    </Page>
  );
}
