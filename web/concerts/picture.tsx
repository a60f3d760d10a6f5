import type { ReactNode } from 'react';
import look from './concerts.module.css';

/** The picture of a concert, or its first letter where it has none. It says nothing that the text beside it does not. */
export function Picture({ url, title }: { url: string | null; title: string }): ReactNode {
  return (
    <div className={look.picture} aria-hidden="true">
      {url ? <img src={url} alt="" loading="lazy" decoding="async" /> : <span>{[...title][0]}</span>}
    </div>
  );
}
