import type { ReactNode } from 'react';
import type { PaidForFragment } from '../gql/graphql.ts';
import { useFormats } from '../words/formats.ts';
import { useWords } from '../words/language.tsx';

/** What was given back of a payment, and why. */
export function RefundList({ payment: { refunds } }: { payment: PaidForFragment }): ReactNode {
  const { refunds: words } = useWords();
  const { money, dateTime } = useFormats();
  if (refunds.length === 0) return null;
  return (
    <section className="stack" aria-labelledby="refunds">
      <h2 id="refunds">{words.title}</h2>
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
