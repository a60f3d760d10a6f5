import { useQuery } from '@apollo/client/react';
import type { ReactNode } from 'react';
import { Link, useParams } from 'react-router';
import { FaultNotice } from '../frame/notices.tsx';
import { ForUsers, Loading, NotFound, Page } from '../frame/page.tsx';
import { ReservationToPayDocument, type ReservationToPayFragment } from '../gql/graphql.ts';
import { useSecondsUntil } from '../server/clock.ts';
import { countdown, useFormats } from '../words/formats.ts';
import { useWords } from '../words/language.tsx';
import { Checkout } from './checkout.tsx';
import look from './purchase.module.css';

/** A reservation: paid for while its hold lasts; afterwards how it ended, and how to go on. */
export default function ReservationPage(): ReactNode {
  return (
    <ForUsers>
      <Reservation />
    </ForUsers>
  );
}

function Reservation(): ReactNode {
  const { id = '' } = useParams();
  const { purchase: words } = useWords();
  const { data, error, refetch } = useQuery(ReservationToPayDocument, {
    variables: { id },
    fetchPolicy: 'cache-and-network',
  });
  if (error && !data) return <FaultNotice error={error} retry={() => void refetch()} />;
  if (!data) return <Loading />;
  const { reservation, wallet } = data;
  if (!reservation) return <NotFound />;
  return (
    <Page title={reservation.status === 'CONFIRMED' ? words.paid : words.title}>
      <div className={look.columns}>
        <Bought reservation={reservation} />
        <div className="stack">
          <Standing reservation={reservation} balance={wallet?.balance ?? 0} refetch={() => void refetch()} />
        </div>
      </div>
    </Page>
  );
}

/** What the reservation is for. */
function Bought({
  reservation: { seats, seatPrices, amount, show },
}: {
  reservation: ReservationToPayFragment;
}): ReactNode {
  const { purchase: words, seats: seatWords } = useWords();
  const { money, date, time } = useFormats();
  return (
    <section className="card stack" aria-label={show.concert.title}>
      <h2>{show.concert.title}</h2>
      <dl className="facts">
        <div>
          <dt>{words.when}</dt>
          <dd>
            {date(show.startsAt)} {time(show.startsAt)}
          </dd>
        </div>
        <div>
          <dt>{words.where}</dt>
          <dd>{show.venue}</dd>
        </div>
      </dl>
      <ul className={look.seats}>
        {seats.map(({ id, section, row, column }, index) => (
          <li key={id} className="spread">
            <span>{section === '' ? seatWords.seatOf(row, column) : seatWords.seatIn(section, row, column)}</span>
            <span className="figures">{money(seatPrices[index] ?? 0)}</span>
          </li>
        ))}
      </ul>
      <p className="spread strong">
        <span>{words.total}</span>
        <span className="figures">{money(amount)}</span>
      </p>
    </section>
  );
}

interface StandingProps {
  readonly reservation: ReservationToPayFragment;
  readonly balance: number;
  readonly refetch: () => void;
}

/** Where the reservation stands, and what can be done now. */
function Standing({ reservation, balance, refetch }: StandingProps): ReactNode {
  const { purchase: words } = useWords();
  const seconds = useSecondsUntil(reservation.expiresAt);
  const { status, show } = reservation;
  const again = (
    <p>
      <Link className="button primary" to={`/concerts/${show.concert.slug}/shows/${show.id}`}>
        {words.chooseAgain}
      </Link>
    </p>
  );
  if (status === 'CONFIRMED') {
    return (
      <>
        <p className="notice good" role="status">
          {words.paidHelp}
        </p>
        <p>
          <Link className="button primary" to={`/tickets/${reservation.id}`}>
            {words.toTickets}
          </Link>
        </p>
      </>
    );
  }
  if (status === 'CANCELLED') return <p className="notice">{words.cancelled}</p>;
  if (status === 'RELEASED') {
    return (
      <>
        <p className="notice" role="status">
          {words.released}
        </p>
        {again}
      </>
    );
  }
  if (status === 'EXPIRED' || seconds === 0) {
    return (
      <>
        <p className="notice warn" role="status">
          {words.lapsed} {words.lapsedHelp}
        </p>
        {again}
      </>
    );
  }
  return (
    <>
      <p className={`notice ${seconds <= 60 ? 'bad' : 'good'}`}>
        <span>{words.held}</span>
        <span className="row">
          <span>{words.holdEnds}</span>
          <span className={look.left} role="timer">
            {countdown(seconds)}
          </span>
        </span>
      </p>
      <Checkout reservation={reservation} balance={balance} refetch={refetch} />
    </>
  );
}
