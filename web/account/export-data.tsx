import { useApolloClient } from '@apollo/client/react';
import { type ReactNode, useState } from 'react';
import { FaultNotice } from '../frame/notices.tsx';
import { ExportMyDataDocument } from '../gql/graphql.ts';
import { useWords } from '../words/language.tsx';

/** Hands the user, as a file, all that is kept about them. */
export function ExportData(): ReactNode {
  const { account: words } = useWords();
  const client = useApolloClient();
  const [isLoading, setLoading] = useState(false);
  const [error, setError] = useState<unknown>();

  const save = async (): Promise<void> => {
    setLoading(true);
    setError(undefined);
    try {
      const { data } = await client.query({ query: ExportMyDataDocument, fetchPolicy: 'no-cache' });
      saveAs('onsale.json', JSON.stringify(data?.exportMyData, null, 2));
    } catch (fault) {
      setError(fault);
    }
    setLoading(false);
  };

  return (
    <section className="card stack" aria-labelledby="data">
      <h2 id="data">{words.data}</h2>
      <p className="soft">{words.dataHelp}</p>
      {error !== undefined && <FaultNotice error={error} />}
      <div className="row">
        <button type="button" className="button" disabled={isLoading} onClick={() => void save()}>
          {words.save}
        </button>
      </div>
    </section>
  );
}

function saveAs(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  const link = Object.assign(document.createElement('a'), { href: url, download: name });
  link.click();
  URL.revokeObjectURL(url);
}
