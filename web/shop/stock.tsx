import type { ReactNode } from 'react';
import { useFormats } from '../words/formats.ts';
import { useWords } from '../words/language.tsx';

/** From how many pieces on a product is no longer said to be scarce. */
const PLENTY = 10;

/** How many pieces are left. */
export function Stock({ stock }: { stock: number | null }): ReactNode {
  const { shop: words } = useWords();
  const { number } = useFormats();
  if (stock === null) return <span className="badge">{words.madeToOrder}</span>;
  if (stock === 0) return <span className="badge bad">{words.soldOut}</span>;
  return <span className={`badge figures ${stock < PLENTY ? 'warn' : 'good'}`}>{words.left(number(stock))}</span>;
}
