import { useMutation } from '@apollo/client/react';
import { Field } from '@base-ui/react/field';
import { Form } from '@base-ui/react/form';
import { type ReactNode, useState } from 'react';
import { Navigate, useSearchParams } from 'react-router';
import { FormFault, RefusalNotice } from '../frame/notices.tsx';
import { Page, placeWithin } from '../frame/page.tsx';
import { type CredentialsInput, type ProblemCode, SignInDocument, SignUpDocument } from '../gql/graphql.ts';
import { errorsOf } from '../server/faults.ts';
import { useWords } from '../words/language.tsx';
import { beginRememberedSession, beginSession, useSession } from './session.ts';

/** Signs in, or makes an account, and leads to where the user came from. */
export default function SignInPage(): ReactNode {
  const { account: words } = useWords();
  const { status } = useSession();
  const [params] = useSearchParams();
  const [isNew, setNew] = useState(params.has('new'));
  const [remember, setRemember] = useState(true);
  const [refusal, setRefusal] = useState<ProblemCode>();
  const [signIn, signingIn] = useMutation(SignInDocument);
  const [signUp, signingUp] = useMutation(SignUpDocument);
  const { loading, error } = isNew ? signingUp : signingIn;

  if (status === 'signed-in') return <Navigate to={placeWithin(params.get('next'))} replace />;

  const send = async (input: CredentialsInput): Promise<void> => {
    setRefusal(undefined);
    const context = { isAnonymous: true };
    const result = isNew
      ? (await signUp({ variables: { input }, context })).data?.signUp
      : (await signIn({ variables: { input }, context })).data?.signIn;
    if (result?.__typename !== 'Session') return setRefusal(result?.code);
    if (input.remember) beginRememberedSession(result);
    else beginSession(result);
  };

  const turn = (): void => {
    setRefusal(undefined);
    signingIn.reset();
    signingUp.reset();
    setNew(!isNew);
  };

  return (
    <div className="narrow">
      <Page title={isNew ? words.signUpTitle : words.signInTitle}>
        <p className="soft">{words.why}</p>
        <Form<{ name: string; password: string }>
          className="card stack"
          errors={errorsOf(error)}
          onFormSubmit={(values) => void send({ ...values, remember }).catch(() => undefined)}
        >
          <Field.Root className="field" name="name">
            <Field.Label>{words.nameLabel}</Field.Label>
            <Field.Control className="input" autoComplete="username" autoCapitalize="none" spellCheck={false} />
            <Field.Error className="field-error" lang="en" />
          </Field.Root>
          <Field.Root className="field" name="password">
            <Field.Label>{words.passwordLabel}</Field.Label>
            <Field.Control
              className="input"
              type="password"
              autoComplete={isNew ? 'new-password' : 'current-password'}
            />
            <Field.Error className="field-error" lang="en" />
          </Field.Root>
          <label className="check">
            <input type="checkbox" checked={remember} onChange={(event) => setRemember(event.target.checked)} />
            {words.remember}
            <small>{words.rememberHelp}</small>
          </label>
          {refusal && <RefusalNotice code={refusal} />}
          <FormFault error={error} fields={['name', 'password']} />
          <button type="submit" className="button primary wide" disabled={loading}>
            {isNew ? words.signUp : words.signIn}
          </button>
        </Form>
        <button type="button" className="button wide" onClick={turn}>
          {isNew ? words.toSignIn : words.toSignUp}
        </button>
      </Page>
    </div>
  );
}
