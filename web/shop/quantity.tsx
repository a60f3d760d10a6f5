import type { ReactNode } from 'react';
import { useFormats } from '../words/formats.ts';
import { useWords } from '../words/language.tsx';
import look from './shop.module.css';

interface Props {
  /** What is counted, for screen readers. */
  readonly of: string;
  readonly value: number;
  /** The least and the most that make sense here, where something stands in the way of others. */
  readonly min?: number;
  readonly max?: number;
  /** Takes the focus at first: it stands where the user has just pressed a button. */
  readonly autoFocus?: boolean;
  readonly change: (value: number) => void;
}

/** A number of pieces, one more or one fewer at a time. */
export function Quantity({
  of,
  value,
  min = 0,
  max = Number.POSITIVE_INFINITY,
  autoFocus = false,
  change,
}: Props): ReactNode {
  const { shop: words } = useWords();
  const { number } = useFormats();
  return (
    <fieldset className={look.quantity} aria-label={words.quantityOf(of)}>
      <button
        type="button"
        className="button"
        aria-label={words.fewer}
        aria-disabled={value <= min}
        onClick={() => value > min && change(value - 1)}
      >
        −
      </button>
      <output className="figures" aria-live="polite">
        {number(value)}
      </output>
      <button
        type="button"
        className="button"
        aria-label={words.another}
        // biome-ignore lint/a11y/noAutofocus: the button that had the focus is no longer there
        autoFocus={autoFocus}
        aria-disabled={value >= max}
        onClick={() => value < max && change(value + 1)}
      >
        +
      </button>
    </fieldset>
  );
}
