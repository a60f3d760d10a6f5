import { useApolloClient, useMutation, useQuery } from '@apollo/client/react';
import { Field } from '@base-ui/react/field';
import { Form } from '@base-ui/react/form';
import { type ReactNode, useState } from 'react';
import { FormFault, RefusalNotice } from '../frame/notices.tsx';
import { AwaitedChargesDocument, BalanceDocument, ChargeDocument } from '../gql/graphql.ts';
import { errorsOf } from '../server/faults.ts';
import { keyOf, settle } from '../server/intents.ts';
import { useFormats } from '../words/formats.ts';
import { useWords } from '../words/language.tsx';
import { useSettings } from '../words/settings.tsx';
import { AwaitedCharge } from './awaited-charge.tsx';

/** Amounts that are offered, in minor units of the currency. */
const OFFERED = [10_000, 50_000, 100_000, 500_000];

interface Props {
  /** What is missing for what the user is about to pay, in minor units: it stands in the field at first. */
  readonly missing?: number;
  /** Called whenever money has come into the wallet; the balance in the cache is the new one by then. */
  readonly charged?: () => void;
}

/** Adds money to the wallet, in the way that the deployment has chosen: at once, by a payment provider, or at a box office. */
export function ChargeForm({ missing, charged }: Props): ReactNode {
  const { charges } = useSettings();
  const { wallet: words } = useWords();
  const client = useApolloClient();
  const [made, setMade] = useState<readonly string[]>([]);
  const { data } = useQuery(AwaitedChargesDocument, { skip: charges !== 'PROVIDER', fetchPolicy: 'network-only' });
  const awaited = new Set([...made, ...(data?.wallet?.pendingCharges ?? []).map(({ id }) => id)]);

  const cameIn = async (): Promise<void> => {
    await client.query({ query: BalanceDocument, fetchPolicy: 'network-only' });
    charged?.();
  };

  if (charges === 'OPERATOR') return <p className="notice">{words.operatorOnly}</p>;
  return (
    <>
      <AmountForm missing={missing} cameIn={cameIn} asked={(id) => setMade((before) => [id, ...before])} />
      {[...awaited].map((id) => (
        <AwaitedCharge key={id} id={id} completed={cameIn} />
      ))}
    </>
  );
}

interface AmountProps {
  readonly missing: number | undefined;
  readonly cameIn: () => Promise<void>;
  /** Called with the id of a charge that waits for the payment provider. */
  readonly asked: (id: string) => void;
}

function AmountForm({ missing, cameIn, asked }: AmountProps): ReactNode {
  const { wallet: words } = useWords();
  const { charges } = useSettings();
  const { money, typed, amountOf } = useFormats();
  const [text, setText] = useState(missing ? typed(missing) : '');
  const [charge, { data, loading, error }] = useMutation(ChargeDocument);
  const amount = amountOf(text);
  const answer = data?.charge;

  const send = async (): Promise<void> => {
    const input = { amount, idempotencyKey: keyOf('charge', { amount }) };
    const result = (await charge({ variables: { input } })).data?.charge;
    settle('charge');
    if (!result || 'code' in result) return;
    // The next click is about another charge: it needs an amount of its own.
    setText('');
    if (result.__typename === 'PendingCharge') asked(result.id);
    else await cameIn();
  };

  return (
    <Form className="stack" errors={errorsOf(error)} onFormSubmit={() => void send().catch(() => undefined)}>
      <Field.Root className="field" name="amount">
        <Field.Label>{words.amount}</Field.Label>
        <Field.Control
          className="input figures"
          inputMode="decimal"
          autoComplete="off"
          value={text}
          onValueChange={(value) => setText(value)}
        />
        <Field.Error className="field-error" lang="en" />
      </Field.Root>
      <fieldset className="choices">
        <legend className="visually-hidden">{words.offered}</legend>
        {OFFERED.map((offered) => (
          <button key={offered} type="button" className="button" onClick={() => setText(typed(offered))}>
            {money(offered)}
          </button>
        ))}
      </fieldset>
      {answer && 'code' in answer && <RefusalNotice code={answer.code} />}
      <FormFault error={error} fields={['amount']} />
      <button type="submit" className="button primary wide" disabled={loading || text === ''}>
        {text === '' ? words.chargeAndPay : words.charge(money(amount))}
      </button>
      <p className="small soft" role="status">
        {answer?.__typename === 'LedgerEntry'
          ? words.chargedAmount(money(answer.amount))
          : charges === 'OPEN' && words.chargeHelp}
      </p>
    </Form>
  );
}
