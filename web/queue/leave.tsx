import { useMutation } from '@apollo/client/react';
import { AlertDialog } from '@base-ui/react/alert-dialog';
import type { ReactNode } from 'react';
import { FaultNotice } from '../frame/notices.tsx';
import { LeaveQueueDocument, type PlaceFragment } from '../gql/graphql.ts';
import { useWords } from '../words/language.tsx';

/** Gives the place up, after asking whether that is meant. The page hears of it as of any change of the place. */
export function Leave({ place }: { place: PlaceFragment }): ReactNode {
  const { queue: words } = useWords();
  const [leave, { loading, error }] = useMutation(LeaveQueueDocument, { variables: { value: place.value } });
  return (
    <AlertDialog.Root>
      <AlertDialog.Trigger className="button quiet">{words.leave}</AlertDialog.Trigger>
      <AlertDialog.Portal>
        <AlertDialog.Backdrop className="backdrop" />
        <AlertDialog.Popup className="popup stack">
          <AlertDialog.Title>{words.leaveTitle}</AlertDialog.Title>
          <AlertDialog.Description>{words.leaveHelp}</AlertDialog.Description>
          {error && <FaultNotice error={error} />}
          <div className="row">
            <AlertDialog.Close className="button primary">{words.stay}</AlertDialog.Close>
            <button
              type="button"
              className="button"
              disabled={loading}
              onClick={() => void leave().catch(() => undefined)}
            >
              {words.leave}
            </button>
          </div>
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
