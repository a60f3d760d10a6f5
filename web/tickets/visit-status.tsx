import type { ReactNode } from 'react';
import type { BoughtFragment } from '../gql/graphql.ts';
import { useNow } from '../server/clock.ts';
import { useFormats } from '../words/formats.ts';
import { useWords } from '../words/language.tsx';

const MINUTE_MS = 60_000;

/** Where the tickets of a reservation stand: to come, used, over, cancelled or given back. */
export function VisitStatus({ bought: { status, show, tickets } }: { bought: BoughtFragment }): ReactNode {
  const { tickets: words } = useWords();
  const { number } = useFormats();
  const now = useNow();
  const used = tickets.filter(({ checkedInAt }) => checkedInAt !== null).length;
  if (show.cancelledAt !== null) return <span className="badge bad">{words.showCancelled}</span>;
  if (status !== 'CONFIRMED') return <span className="badge">{words.givenBack}</span>;
  if (used > 0) return <span className="badge">{words.checkedIn(number(used), number(tickets.length))}</span>;
  if (Date.parse(show.startsAt) + show.durationMinutes * MINUTE_MS < now) {
    return <span className="badge">{words.over}</span>;
  }
  return <span className="badge good">{words.toCome}</span>;
}
