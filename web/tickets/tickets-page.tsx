import { useQuery } from '@apollo/client/react';
import type { ReactNode } from 'react';
import { Link, useSearchParams } from 'react-router';
import { More } from '../frame/more.tsx';
import { FaultNotice } from '../frame/notices.tsx';
import { ForUsers, Loading, Page } from '../frame/page.tsx';
import { BoughtDocument, type BoughtFragment, HeldDocument } from '../gql/graphql.ts';
import { useNow } from '../server/clock.ts';
import { countdown, useFormats } from '../words/formats.ts';
import { useWords } from '../words/language.tsx';
import look from './tickets.module.css';
import { VisitStatus } from './visit-status.tsx';

/** The tickets of the user, those that were given back, and the seats that still have to be paid for. */
export default function TicketsPage(): ReactNode {
  const { tickets: words } = useWords();
  const [params] = useSearchParams();
  const isGivenBack = params.has('given-back');
  return (
    <ForUsers>
      <Page title={words.title}>
        <Held />
        <nav className="row" aria-label={words.which}>
          <Link to="/tickets" className={isGivenBack ? 'button quiet' : 'button'} aria-current={!isGivenBack}>
            {words.valid}
          </Link>
          <Link to="/tickets?given-back" className={isGivenBack ? 'button' : 'button quiet'} aria-current={isGivenBack}>
            {words.givenBack}
          </Link>
        </nav>
        <Bought key={String(isGivenBack)} isGivenBack={isGivenBack} />
      </Page>
    </ForUsers>
  );
}

function Bought({ isGivenBack }: { isGivenBack: boolean }): ReactNode {
  const { tickets: words, frame } = useWords();
  const { data, error, refetch, fetchMore } = useQuery(BoughtDocument, {
    variables: { status: isGivenBack ? 'CANCELLED' : 'CONFIRMED' },
    fetchPolicy: 'cache-and-network',
  });
  const reservations = data?.reservations;
  if (error && !reservations) return <FaultNotice error={error} retry={() => void refetch()} />;
  if (!reservations) return <Loading />;
  if (reservations.edges.length === 0) {
    if (isGivenBack) return <p className="soft">{words.nothingGivenBack}</p>;
    return (
      <div className="empty">
        <h2>{words.none}</h2>
        <p className="soft">{words.noneHelp}</p>
        <Link className="button primary" to="/">
          {frame.toConcerts}
        </Link>
      </div>
    );
  }
  return (
    <>
      <ul className={look.list}>
        {reservations.edges.map(({ node }) => (
          <Row key={node.id} bought={node} />
        ))}
      </ul>
      <More pageInfo={reservations.pageInfo} fetchMore={fetchMore} />
    </>
  );
}

function Row({ bought }: { bought: BoughtFragment }): ReactNode {
  const { tickets: words } = useWords();
  const { date, time, number } = useFormats();
  const { id, show, seats, tickets } = bought;
  const count = tickets.length || seats.length;
  return (
    <li className={look.row}>
      <div>
        <h2>
          <Link to={`/tickets/${id}`}>{show.concert.title}</Link>
        </h2>
        <p>
          {date(show.startsAt)} {time(show.startsAt)}
        </p>
        <p className="small soft">
          {show.venue} · {words.count(number(count))}
        </p>
      </div>
      <VisitStatus bought={bought} />
    </li>
  );
}

/** The seats that are held and not paid for, with the way to pay for them. */
function Held(): ReactNode {
  const { tickets: words } = useWords();
  const now = useNow();
  const { data } = useQuery(HeldDocument, { fetchPolicy: 'network-only' });
  const live = data?.reservations.edges.filter(({ node }) => Date.parse(node.expiresAt) > now) ?? [];
  return live.map(({ node: { id, show, expiresAt } }) => (
    <div key={id} className="notice warn">
      <p className="spread wide">
        <span>{words.held(show.concert.title)}</span>
        <span className="strong figures">{countdown(Math.ceil((Date.parse(expiresAt) - now) / 1_000))}</span>
      </p>
      <Link className="button" to={`/reservations/${id}`}>
        {words.payNow}
      </Link>
    </div>
  ));
}
