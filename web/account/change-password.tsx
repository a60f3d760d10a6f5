import { useMutation } from '@apollo/client/react';
import { Field } from '@base-ui/react/field';
import { Form } from '@base-ui/react/form';
import { type ReactNode, useState } from 'react';
import { FormFault, RefusalNotice } from '../frame/notices.tsx';
import { ChangePasswordDocument, type ChangePasswordInput } from '../gql/graphql.ts';
import { errorsOf } from '../server/faults.ts';
import { useWords } from '../words/language.tsx';
import { beginRememberedSession, beginSession } from './session.ts';

/** Changes the password; all other sessions of the account end by it. */
export function ChangePassword({ name }: { name: string }): ReactNode {
  const { account: words } = useWords();
  const [remember, setRemember] = useState(true);
  const [change, { data, loading, error }] = useMutation(ChangePasswordDocument);
  // Once the password is changed the form starts anew, empty.
  const [turn, setTurn] = useState(0);
  const answer = data?.changePassword;

  const send = async (passwords: Omit<ChangePasswordInput, 'remember'>): Promise<void> => {
    const result = (await change({ variables: { input: { ...passwords, remember } } })).data?.changePassword;
    if (result?.__typename !== 'Session') return;
    if (remember) beginRememberedSession(result);
    else beginSession(result);
    setTurn(turn + 1);
  };

  return (
    <Form<Omit<ChangePasswordInput, 'remember'>>
      key={turn}
      className="card stack"
      errors={errorsOf(error)}
      onFormSubmit={(values) => void send(values).catch(() => undefined)}
    >
      <h2>{words.changeTitle}</h2>
      {/* By it a password manager knows whose password is changed. */}
      <input
        className="visually-hidden"
        autoComplete="username"
        value={name}
        readOnly
        tabIndex={-1}
        aria-hidden="true"
      />
      <Field.Root className="field" name="oldPassword">
        <Field.Label>{words.oldPassword}</Field.Label>
        <Field.Control className="input" type="password" autoComplete="current-password" />
        <Field.Error className="field-error" lang="en" />
      </Field.Root>
      <Field.Root className="field" name="newPassword">
        <Field.Label>{words.newPassword}</Field.Label>
        <Field.Control className="input" type="password" autoComplete="new-password" />
        <Field.Error className="field-error" lang="en" />
      </Field.Root>
      <label className="check">
        <input type="checkbox" checked={remember} onChange={({ target }) => setRemember(target.checked)} />
        {words.remember}
      </label>
      {answer?.__typename === 'Refusal' && <RefusalNotice code={answer.code}>{words.oldIsWrong}</RefusalNotice>}
      <FormFault error={error} fields={['oldPassword', 'newPassword']} />
      <button type="submit" className="button primary" disabled={loading}>
        {words.change}
      </button>
      <p role="status" className={answer?.__typename === 'Session' ? 'notice good' : 'small soft'}>
        {answer?.__typename === 'Session' ? words.changed : words.changeHelp}
      </p>
    </Form>
  );
}
