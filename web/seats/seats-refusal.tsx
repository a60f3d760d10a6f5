import type { ReactNode } from 'react';
import { Link } from 'react-router';
import { RefusalNotice } from '../frame/notices.tsx';
import type { ProblemCode, ShowOfSeatsQuery } from '../gql/graphql.ts';
import { useWords } from '../words/language.tsx';

interface Props {
  readonly code: ProblemCode;
  readonly show: NonNullable<ShowOfSeatsQuery['show']>;
}

/** Says why no seats are held, and leads to what helps: another date, or the seats that the user has. */
export function SeatsRefusal({ code, show: { concert } }: Props): ReactNode {
  const { dates, purchase } = useWords();
  const toDates = `/concerts/${concert.slug}${concert.queue ? '/waiting' : ''}`;
  return (
    <RefusalNotice code={code}>
      {(code === 'SALE_CLOSED' || code === 'SHOW_CANCELLED') && (
        <Link className="button" to={toDates}>
          {dates.title}
        </Link>
      )}
      {code === 'TOO_MANY_SEATS' && (
        <Link className="button" to="/tickets">
          {purchase.toTickets}
        </Link>
      )}
    </RefusalNotice>
  );
}
