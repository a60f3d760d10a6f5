import { useMutation } from '@apollo/client/react';
import { Field } from '@base-ui/react/field';
import { Form } from '@base-ui/react/form';
import { type ReactNode, useState } from 'react';
import { Link } from 'react-router';
import { FormFault, RefusalNotice } from '../frame/notices.tsx';
import { EnterQueueDocument, type PlaceFragment, type QueueState } from '../gql/graphql.ts';
import { errorsOf } from '../server/faults.ts';
import { useFormats } from '../words/formats.ts';
import { useWords } from '../words/language.tsx';

interface Props {
  readonly queue: { readonly id: string; readonly state: QueueState; readonly opensAt: string | null };
  /** Text of the button, where it is not the first time. */
  readonly label?: string;
  readonly taken: (place: PlaceFragment) => void;
}

/** The way into a queue. Nobody enters but by this button; a second click gets the place that the first one got. */
export function Enter({ queue, label, taken }: Props): ReactNode {
  const { queue: words, frame } = useWords();
  const { dateTime } = useFormats();
  const [hasCode, setHasCode] = useState(false);
  const [enter, { data, loading, error }] = useMutation(EnterQueueDocument);
  const refusal = data?.enterQueue.__typename === 'Refusal' ? data.enterQueue.code : undefined;

  const send = async ({ priorityCode }: { priorityCode?: string }): Promise<void> => {
    const input = { queueId: queue.id, ...(priorityCode && { priorityCode: priorityCode.trim() }) };
    const result = (await enter({ variables: { input } })).data?.enterQueue;
    if (result?.__typename === 'QueueToken') taken(result);
  };

  return (
    <Form<{ priorityCode?: string }>
      className="card stack narrow"
      errors={errorsOf(error)}
      onFormSubmit={(values) => void send(values).catch(() => undefined)}
    >
      <h2>{words.title}</h2>
      <p>{stateOf()}</p>
      {hasCode ? (
        <Field.Root className="field" name="priorityCode">
          <Field.Label>{words.code}</Field.Label>
          <Field.Control className="input" autoComplete="off" autoCapitalize="none" spellCheck={false} autoFocus />
          <Field.Description className="small soft">{words.codeHelp}</Field.Description>
          <Field.Error className="field-error" lang="en" />
        </Field.Root>
      ) : (
        <button type="button" className="button quiet" onClick={() => setHasCode(true)}>
          {words.haveCode}
        </button>
      )}
      {refusal && (
        <RefusalNotice code={refusal}>
          {refusal === 'QUEUE_CLOSED' && (
            <Link className="button" to="/">
              {frame.toConcerts}
            </Link>
          )}
        </RefusalNotice>
      )}
      <FormFault error={error} fields={hasCode ? ['priorityCode'] : []} />
      <button type="submit" className="button primary wide" disabled={loading}>
        {loading ? words.entering : (label ?? words.enter)}
      </button>
      <p className="small soft">{words.keepOpen}</p>
    </Form>
  );

  function stateOf(): string {
    const { state, opensAt } = queue;
    if (state === 'SCHEDULED' && opensAt) return `${words.scheduled(dateTime(opensAt))} ${words.scheduledHelp}`;
    return { OPEN: words.isOpen, PAUSED: words.paused, CLOSED: words.closed, SCHEDULED: words.scheduledHelp }[state];
  }
}
