import { useQuery } from '@apollo/client/react';
import type { ReactNode } from 'react';
import { FaultNotice } from '../frame/notices.tsx';
import { ForUsers, Loading, Page } from '../frame/page.tsx';
import { MyAccountDocument } from '../gql/graphql.ts';
import { useFormats } from '../words/formats.ts';
import { useWords } from '../words/language.tsx';
import look from './account.module.css';
import { ChangePassword } from './change-password.tsx';
import { DeleteAccount } from './delete-account.tsx';
import { ExportData } from './export-data.tsx';
import { SignOut } from './sign-out.tsx';

/** The account: its password, its sessions, its data, and its end. */
export default function AccountPage(): ReactNode {
  return (
    <ForUsers>
      <Account />
    </ForUsers>
  );
}

function Account(): ReactNode {
  const { account: words, frame } = useWords();
  const { date } = useFormats();
  const { data, error, refetch } = useQuery(MyAccountDocument);
  return (
    <Page title={frame.account}>
      {error && !data && <FaultNotice error={error} retry={() => void refetch()} />}
      {!data && !error && <Loading />}
      {data?.me && (
        <p>
          <span className={look.name}>{data.me.name}</span>
          <br />
          <span className="small soft">{words.since(date(data.me.createdAt))}</span>
        </p>
      )}
      <div className={look.cards}>
        {data?.me && <ChangePassword name={data.me.name} />}
        <div className="stack">
          <SignOut />
          <ExportData />
          <DeleteAccount />
        </div>
      </div>
    </Page>
  );
}
