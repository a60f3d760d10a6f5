import { useMutation, useQuery } from '@apollo/client/react';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { Navigate, useNavigate, useParams } from 'react-router';
import { FaultNotice } from '../frame/notices.tsx';
import { ForUsers, Loading, NotFound, Page } from '../frame/page.tsx';
import {
  type PlaceFragment,
  type ProblemCode,
  ReserveDocument,
  ShowOfSeatsDocument,
  type ShowOfSeatsQuery,
} from '../gql/graphql.ts';
import { ActiveTime } from '../queue/active-time.tsx';
import { usePlace } from '../queue/use-place.ts';
import { useFormats } from '../words/formats.ts';
import { useWords } from '../words/language.tsx';
import { useSettings } from '../words/settings.tsx';
import { BestTogether } from './best-together.tsx';
import type { Hall, Placed } from './hall.ts';
import { useLiveHall } from './live-hall.ts';
import { nameOf, SeatMap } from './seat-map.tsx';
import look from './seats.module.css';
import { SeatsRefusal } from './seats-refusal.tsx';

type Show = NonNullable<ShowOfSeatsQuery['show']>;

/** The seats of a show: picked on the map or found together, and held for the user. */
export default function SeatsPage(): ReactNode {
  const { showId = '' } = useParams();
  const { data, error, refetch } = useQuery(ShowOfSeatsDocument, { variables: { id: showId } });
  if (error && !data) return <FaultNotice error={error} retry={() => void refetch()} />;
  if (!data) return <Loading />;
  if (!data.show) return <NotFound />;
  const { queue } = data.show.concert;
  return <ForUsers>{queue ? <Queued show={data.show} queueId={queue.id} /> : <Choose show={data.show} />}</ForUsers>;
}

/** Behind a queue the seats are for those whose turn it is; others are led to the waiting room. */
function Queued({ show, queueId }: { show: Show; queueId: string }): ReactNode {
  const { seen } = usePlace(queueId);
  if (seen.state === 'looking') return <Loading />;
  if (seen.state === 'failed') return <FaultNotice error={seen.error} retry={seen.retry} />;
  if (seen.state === 'none' || seen.place.status !== 'ACTIVE')
    return <Navigate to={`/concerts/${show.concert.slug}/waiting`} replace />;
  return <Choose show={show} place={seen.place} />;
}

/** What to say of seats that somebody else has got, and which ones are offered instead. */
interface Loss {
  readonly lost: readonly Placed[];
  readonly instead: readonly Placed[];
}

function Choose({ show, place }: { show: Show; place?: PlaceFragment }): ReactNode {
  const { seats: words, frame } = useWords();
  const { date, time, money, duration } = useFormats();
  const { seatsPerUser, holdSeconds } = useSettings();
  const navigate = useNavigate();
  const { hall, error, isLive, retry } = useLiveHall(show.id, place?.value);
  const [picked, setPicked] = useState<ReadonlySet<Placed>>(new Set());
  const [loss, setLoss] = useState<Loss>();
  const [refusal, setRefusal] = useState<ProblemCode>();
  const [reserve, reserving] = useMutation(ReserveDocument, { context: { queueToken: place?.value } });

  // What somebody else has got meanwhile is picked no longer.
  useEffect(
    () =>
      hall?.watch((changed) => {
        const lost = changed.filter((each) => picked.has(each) && each.seat.status !== 'AVAILABLE');
        if (lost.length === 0 || reserving.loading) return;
        const kept = [...picked].filter((each) => !lost.includes(each));
        setPicked(new Set(kept));
        setLoss({ lost, instead: hall.nearby(lost, kept) });
      }),
    [hall, picked, reserving.loading],
  );

  const pick = (placed: Placed): void => {
    const after = new Set(picked);
    if (!after.delete(placed) && placed.seat.status === 'AVAILABLE') after.add(placed);
    const isTooMany = after.size > seatsPerUser;
    setRefusal(isTooMany ? 'TOO_MANY_SEATS' : undefined);
    if (!isTooMany) setPicked(after);
  };

  const hold = async (wanted: readonly Placed[]): Promise<void> => {
    setLoss(undefined);
    setRefusal(undefined);
    setPicked(new Set(wanted));
    const input = { showId: show.id, seatIds: wanted.map(({ seat }) => seat.id) };
    const result = (await reserve({ variables: { input } })).data?.reserve;
    if (result?.__typename === 'Reservation') return void navigate(`/reservations/${result.id}`);
    if (result?.__typename !== 'SeatsUnavailable' || !hall) return setRefusal(result?.code);
    const lost = wanted.filter(({ seat }) => result.seatIds.includes(seat.id));
    const kept = wanted.filter((each) => !lost.includes(each));
    setPicked(new Set(kept));
    setLoss({ lost, instead: hall.nearby(lost, kept) });
  };

  const seats = [...picked].sort((one, other) => one.seat.number - other.seat.number);
  const total = seats.reduce((sum, { seat }) => sum + seat.price, 0);
  return (
    <Page title={words.title} tabTitle={`${words.title} · ${show.concert.title}`}>
      <div className="row">
        <p>
          <span className="strong">{show.concert.title}</span>{' '}
          <span className="soft">
            {date(show.startsAt)} {time(show.startsAt)} · {show.venue}
          </span>
        </p>
        {place && <ActiveTime place={place} />}
      </div>
      {error !== undefined && <FaultNotice error={error} retry={retry} />}
      {!hall && error === undefined && <Loading />}
      {hall && (
        <div className={look.choose}>
          <div className="stack">
            <SeatMap hall={hall} picked={picked} pick={pick} />
            <div className="row small">
              <Legend />
              <Count hall={hall} isLive={isLive} />
            </div>
          </div>
          <div className="stack">
            <section className="card stack" aria-label={words.picked}>
              {loss && <Lost loss={loss} take={() => void hold([...picked, ...loss.instead]).catch(() => undefined)} />}
              {seats.length === 0 ? (
                <p className="soft">{words.nothingPicked}</p>
              ) : (
                <ul className={look.picks}>
                  {seats.map((placed) => (
                    <li key={placed.seat.id}>
                      <span>{nameOf(placed, words)}</span>
                      <span className="figures">{money(placed.seat.price)}</span>
                      <button
                        type="button"
                        className="button quiet"
                        aria-label={words.remove(nameOf(placed, words))}
                        onClick={() => pick(placed)}
                      >
                        ×
                      </button>
                    </li>
                  ))}
                </ul>
              )}
              {refusal && <SeatsRefusal code={refusal} show={show} />}
              {reserving.error && <FaultNotice error={reserving.error} />}
              <div className={`stack ${seats.length > 0 ? look.act : ''}`}>
                <p className="spread" aria-live="polite">
                  <span>{words.pickedCount(seats.length)}</span>
                  <span className="strong figures">{money(total)}</span>
                </p>
                <button
                  type="button"
                  className="button primary wide"
                  disabled={seats.length === 0 || reserving.loading}
                  onClick={() => void hold(seats).catch(() => undefined)}
                >
                  {reserving.loading ? frame.loading : words.hold}
                </button>
              </div>
              <p className="small soft">
                {words.holdSeconds(duration(holdSeconds))} {words.most(seatsPerUser)}
              </p>
            </section>
            <BestTogether
              show={show}
              queueToken={place?.value}
              sections={hall.sections.map(({ name }) => name).filter((name) => name !== '')}
            />
          </div>
        </div>
      )}
    </Page>
  );
}

function Legend(): ReactNode {
  const { seats: words } = useWords();
  return (
    <ul className={look.legend}>
      <li className={look.free}>{words.available}</li>
      <li className={look.mine}>{words.picked}</li>
      <li className={look.held}>{words.held}</li>
      <li className={look.sold}>{words.sold}</li>
    </ul>
  );
}

const COUNT_MS = 500;

/** How many seats are free. It is counted at most twice a second, however often seats change. */
function Count({ hall, isLive }: { hall: Hall; isLive: boolean }): ReactNode {
  const { seats: words } = useWords();
  const { number } = useFormats();
  const [free, setFree] = useState(hall.free);
  useEffect(() => {
    const timer = setInterval(() => setFree(hall.free), COUNT_MS);
    return () => clearInterval(timer);
  }, [hall]);
  return (
    <p className="figures">
      {words.left(number(free), number(hall.placed.length))}{' '}
      <span className={`badge ${isLive ? 'good' : 'warn'}`}>{isLive ? words.live : words.notLive}</span>
    </p>
  );
}

function Lost({ loss: { lost, instead }, take }: { loss: Loss; take: () => void }): ReactNode {
  const { seats: words } = useWords();
  const notice = useRef<HTMLDivElement>(null);
  // On a phone it is below the map.
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each loss
  useEffect(() => {
    notice.current?.scrollIntoView({ block: 'center' });
  }, [lost]);
  const names = (placed: readonly Placed[]): string => placed.map((each) => nameOf(each, words)).join(', ');
  return (
    <div ref={notice} className="notice warn" role="alert">
      <p>{words.lost(names(lost))}</p>
      {instead.length > 0 ? (
        <>
          <p>{words.nearby(names(instead))}</p>
          <button type="button" className="button primary" onClick={take}>
            {words.takeNearby}
          </button>
        </>
      ) : (
        <p>{words.noneNearby}</p>
      )}
    </div>
  );
}
