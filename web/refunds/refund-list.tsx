import type { ReactNode } from 'react';
import type { PaidForFragment } from '../gql/graphql.ts';
import { useFormats } from '../words/formats.ts';
import { useWords } from '../words/language.tsx';

/** What was given back of a payment, and why. A screen reader says what is added. */
export function RefundList({ refunds }: Pick<PaidForFragment, 'refunds'>): ReactNode {
  const { refunds: words } = useWords();
  const { money, dateTime } = useFormats();
  return (
    <section className="stack" aria-label={words.title} aria-live="polite">
      {refunds.length > 0 && <h2>{words.title}</h2>}
      <ul className="stack">
        {refunds.map(({ id, amount, createdAt, reason }) => (
          <li key={id} className="spread">
            <span>
              {dateTime(createdAt)} {reason && <span className="soft">· {reason}</span>}
            </span>
            <span className="strong figures">+{money(amount)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
