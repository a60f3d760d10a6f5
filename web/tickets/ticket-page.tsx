import { useQuery } from '@apollo/client/react';
import { type ReactNode, useState } from 'react';
import { Link, useParams } from 'react-router';
import { FaultNotice } from '../frame/notices.tsx';
import { ForUsers, Loading, NotFound, Page } from '../frame/page.tsx';
import { TicketsDocument, type TicketsQuery } from '../gql/graphql.ts';
import { GiveBack } from '../refunds/give-back.tsx';
import { RefundList } from '../refunds/refund-list.tsx';
import { pollEvery } from '../server/polls.ts';
import { useFormats } from '../words/formats.ts';
import { useWords } from '../words/language.tsx';
import { QrCode } from './qr-code.tsx';
import look from './tickets.module.css';
import { VisitStatus } from './visit-status.tsx';

/** Milliseconds between two looks whether a ticket was scanned at the door. */
const POLL_MS = 10_000;

type Reservation = NonNullable<TicketsQuery['reservation']>;
type Ticket = Reservation['tickets'][number];

/** The tickets of one reservation with their codes, and the way to give them back. */
export default function TicketPage(): ReactNode {
  return (
    <ForUsers>
      <TicketsOf />
    </ForUsers>
  );
}

function TicketsOf(): ReactNode {
  const { id = '' } = useParams();
  const { tickets: words } = useWords();
  const { data, error, refetch } = useQuery(TicketsDocument, {
    variables: { id },
    fetchPolicy: 'cache-and-network',
    ...pollEvery(POLL_MS),
  });
  if (error && !data) return <FaultNotice error={error} retry={() => void refetch()} />;
  if (!data) return <Loading />;
  const { reservation } = data;
  if (!reservation) return <NotFound />;
  const { show, status, cancelReason, payment } = reservation;
  return (
    <Page title={show.concert.title}>
      <p className="row">
        <VisitStatus bought={reservation} />
        <Link to="/tickets">{words.all}</Link>
      </p>
      <Visit show={show} />
      {show.cancelledAt !== null && (
        <p className="notice bad">
          {words.showCancelledHelp} {show.cancelReason}
        </p>
      )}
      {status === 'HELD' && (
        <p>
          <Link className="button primary" to={`/reservations/${reservation.id}`}>
            {words.payNow}
          </Link>
        </p>
      )}
      {status === 'CANCELLED' && show.cancelledAt === null && (
        <p className="notice">
          {words.givenBackHelp} {cancelReason}
        </p>
      )}
      {reservation.tickets.length > 0 && <Tickets reservation={reservation} changed={refetch} />}
      <RefundList refunds={payment?.refunds ?? []} />
    </Page>
  );
}

function Visit({ show }: { show: Reservation['show'] }): ReactNode {
  const { purchase: words } = useWords();
  const { date, time } = useFormats();
  return (
    <dl className={`card facts ${look.visit}`}>
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
      {show.subtitle && <p className="small soft">{show.subtitle}</p>}
    </dl>
  );
}

interface TicketsProps {
  readonly reservation: Reservation;
  readonly changed: () => Promise<unknown>;
}

function Tickets({ reservation: { tickets, payment }, changed }: TicketsProps): ReactNode {
  const { tickets: words } = useWords();
  const { number } = useFormats();
  const [picked, setPicked] = useState<readonly string[]>([]);
  const [isChoosing, setChoosing] = useState(false);
  const seatIds = tickets.map(({ seat }) => seat.id).filter((id) => picked.includes(id));
  const done = async (): Promise<void> => {
    setPicked([]);
    setChoosing(false);
    await changed();
  };
  const pick = (id: string, isPicked: boolean): void =>
    setPicked(isPicked ? [...picked, id] : picked.filter((each) => each !== id));
  return (
    <>
      <p className="soft">{words.showAtDoor}</p>
      <ul className={look.tickets}>
        {tickets.map((ticket) => (
          <TicketCard
            key={ticket.seat.id}
            ticket={ticket}
            pick={isChoosing ? (isPicked) => pick(ticket.seat.id, isPicked) : undefined}
            isPicked={picked.includes(ticket.seat.id)}
          />
        ))}
      </ul>
      {payment?.status === 'COMPLETED' && (
        <div className="row">
          {isChoosing && (
            <GiveBack
              paymentId={payment.id}
              part={{ seatIds }}
              label={seatIds.length > 0 ? words.giveBack(number(seatIds.length)) : words.pickFirst}
              disabled={seatIds.length === 0}
              warning={words.giveBackHelp}
              changed={done}
            />
          )}
          {!isChoosing && tickets.length > 1 && (
            <button type="button" className="button" onClick={() => setChoosing(true)}>
              {words.giveSomeBack}
            </button>
          )}
          {!isChoosing && (
            <GiveBack
              paymentId={payment.id}
              part={undefined}
              label={words.giveAllBack}
              warning={words.giveBackHelp}
              changed={done}
            />
          )}
          {isChoosing && (
            <button type="button" className="button quiet" onClick={() => setChoosing(false)}>
              {words.keepAll}
            </button>
          )}
        </div>
      )}
    </>
  );
}

interface CardProps {
  readonly ticket: Ticket;
  readonly isPicked: boolean;
  /** Picks the ticket to be given back, or no longer; undefined while nothing is picked. */
  readonly pick: ((isPicked: boolean) => void) | undefined;
}

function TicketCard({ ticket: { code, checkedInAt, seat }, isPicked, pick }: CardProps): ReactNode {
  const { tickets: words, seats } = useWords();
  const { clock } = useFormats();
  const place =
    seat.section === '' ? seats.seatOf(seat.row, seat.column) : seats.seatIn(seat.section, seat.row, seat.column);
  return (
    <li className={look.ticket}>
      <h2>{place}</h2>
      <div className={checkedInAt === null ? look.code : look.used}>
        <QrCode text={code} label={words.codeOf(place)} />
      </div>
      <code className={look.text}>{code}</code>
      {checkedInAt !== null && <p className="badge good">{words.checkedInAt(clock(checkedInAt))}</p>}
      {pick && (
        <label className="check">
          <input type="checkbox" checked={isPicked} onChange={({ target }) => pick(target.checked)} />
          {words.giveThisBack}
        </label>
      )}
    </li>
  );
}
