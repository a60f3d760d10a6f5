import type { ReactNode } from 'react';
import { Link } from 'react-router';
import type { ShowOnSaleFragment } from '../gql/graphql.ts';
import { useNow } from '../server/clock.ts';
import { useFormats } from '../words/formats.ts';
import { useWords } from '../words/language.tsx';
import look from './concerts.module.css';

interface Props {
  readonly show: ShowOnSaleFragment;
  readonly slug: string;
  /** Whether the user may choose seats now. */
  readonly isOpen: boolean;
}

/** One date, how it stands, and the way to its seats. */
export function ShowRow({ show, slug, isOpen }: Props): ReactNode {
  const { concerts: words } = useWords();
  const { money, number, date, time, dateTime } = useFormats();
  const now = useNow();
  const state = (): ReactNode => {
    if (show.cancelledAt !== null) return <span className="badge bad">{words.cancelled}</span>;
    if (Date.parse(show.salesOpenAt) > now)
      return <span className="badge warn">{words.salesOpen(dateTime(show.salesOpenAt))}</span>;
    if (Date.parse(show.salesCloseAt) <= now) return <span className="badge">{words.salesOver}</span>;
    if (show.availableCount === 0) return <span className="badge bad">{words.soldOut}</span>;
    return (
      <>
        <span className="badge good figures">{words.left(number(show.availableCount))}</span>
        {isOpen && (
          <Link className="button primary" to={`/concerts/${slug}/shows/${show.id}`}>
            {words.choose}
          </Link>
        )}
      </>
    );
  };
  return (
    <li className={look.show}>
      <div>
        <p className="strong">
          {date(show.startsAt)} {time(show.startsAt)}
        </p>
        <p className="small soft">
          {show.venue} · {words.minutes(show.durationMinutes)} · <span className="figures">{money(show.price)}</span>
        </p>
        {show.subtitle && <p className="small">{show.subtitle}</p>}
        {show.cancelReason && <p className="small">{show.cancelReason}</p>}
      </div>
      <div className={look.showEnd}>{state()}</div>
    </li>
  );
}
