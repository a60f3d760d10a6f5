import { useMutation } from '@apollo/client/react';
import { NumberField } from '@base-ui/react/number-field';
import { type ReactNode, useId, useState } from 'react';
import { useNavigate } from 'react-router';
import { FaultNotice } from '../frame/notices.tsx';
import { ReserveBestDocument, type ShowOfSeatsQuery } from '../gql/graphql.ts';
import { keyOf, settle } from '../server/intents.ts';
import { useWords } from '../words/language.tsx';
import { useSettings } from '../words/settings.tsx';
import look from './seats.module.css';
import { SeatsRefusal } from './seats-refusal.tsx';

interface Props {
  readonly show: NonNullable<ShowOfSeatsQuery['show']>;
  readonly queueToken: string | undefined;
  readonly sections: readonly string[];
}

/** Has the server choose the best free seats beside each other, and holds them. */
export function BestTogether({ show, queueToken, sections }: Props): ReactNode {
  const { seats: words, frame } = useWords();
  const { seatsPerUser } = useSettings();
  const navigate = useNavigate();
  const id = useId();
  const [count, setCount] = useState(Math.min(2, seatsPerUser));
  const [section, setSection] = useState('');
  const [reserve, { data, loading, error }] = useMutation(ReserveBestDocument, { context: { queueToken } });
  const result = data?.reserveBest;

  const find = async (): Promise<void> => {
    const intent = `reserveBest.${show.id}`;
    const wanted = { showId: show.id, count, ...(section && { section }) };
    const input = { ...wanted, idempotencyKey: keyOf(intent, wanted) };
    const answer = (await reserve({ variables: { input } })).data?.reserveBest;
    settle(intent);
    if (answer?.__typename === 'Reservation') void navigate(`/reservations/${answer.id}`);
  };

  return (
    <section className="card stack" aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>{words.best}</h2>
      <p className="small soft">{words.bestHelp}</p>
      <NumberField.Root
        id={`${id}-count`}
        className="field"
        value={count}
        min={1}
        max={seatsPerUser}
        onValueChange={(value) => setCount(value ?? 1)}
      >
        <label htmlFor={`${id}-count`}>{words.bestCount}</label>
        <NumberField.Group className={look.stepper}>
          <NumberField.Decrement className="button" aria-label={words.fewer}>
            −
          </NumberField.Decrement>
          <NumberField.Input className="input figures" />
          <NumberField.Increment className="button" aria-label={words.moreSeats}>
            +
          </NumberField.Increment>
        </NumberField.Group>
      </NumberField.Root>
      {sections.length > 1 && (
        <div className="field">
          <label htmlFor={`${id}-section`}>{words.section}</label>
          <select
            id={`${id}-section`}
            className="input"
            value={section}
            onChange={(event) => setSection(event.target.value)}
          >
            <option value="">{words.anySection}</option>
            {sections.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </div>
      )}
      {result?.__typename === 'SeatsUnavailable' && (
        <p className="notice warn" role="alert">
          {words.tooFew}
        </p>
      )}
      {(result?.__typename === 'Refusal' || result?.__typename === 'SaleClosed') && (
        <SeatsRefusal code={result.code} show={show} />
      )}
      {error && <FaultNotice error={error} />}
      <button
        type="button"
        className="button wide"
        disabled={loading}
        onClick={() => void find().catch(() => undefined)}
      >
        {loading ? frame.loading : words.find}
      </button>
    </section>
  );
}
