import { type ReactNode, useState } from 'react';
import { useWords } from '../words/language.tsx';
import { FaultNotice } from './notices.tsx';

interface Props {
  /** Of the rows that are shown; undefined while there are none. */
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null } | undefined;
  /** Reads the page behind the cursor into the cache, which adds it to the rows. */
  readonly fetchMore: (page: { variables: { after: string | null } }) => Promise<unknown>;
}

/** The way to the next page of a list; nothing where there is none. */
export function More({ pageInfo, fetchMore }: Props): ReactNode {
  const { frame } = useWords();
  const [isLoading, setLoading] = useState(false);
  const [error, setError] = useState<unknown>();
  if (!pageInfo?.hasNextPage) return null;
  const more = async (): Promise<void> => {
    setLoading(true);
    setError(undefined);
    await fetchMore({ variables: { after: pageInfo.endCursor } }).catch(setError);
    setLoading(false);
  };
  return (
    <>
      {error !== undefined && <FaultNotice error={error} />}
      <button type="button" className="button" disabled={isLoading} onClick={() => void more()}>
        {isLoading ? frame.loading : frame.more}
      </button>
    </>
  );
}
