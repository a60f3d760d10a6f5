import type { ReactNode } from 'react';
import { useState } from 'react';
import type { ProblemCode } from '../gql/graphql.ts';
import { useNow } from '../server/clock.ts';
import { errorsOf, faultOf } from '../server/faults.ts';
import { useWords } from '../words/language.tsx';

interface FaultProps {
  /** What Apollo Client threw or answered as `error`. */
  readonly error: unknown;
  /** Asks again. */
  readonly retry?: () => void;
}

/** Says what went wrong, what helps, and when it can be tried again. */
export function FaultNotice({ error, retry }: FaultProps): ReactNode {
  const words = useWords();
  const { code, message, requestId, retryAfterMs } = faultOf(error);
  return (
    <div className="notice bad" role="alert">
      <p>
        {words.errors[code]} {code === 'BAD_USER_INPUT' && <span lang="en">{message}</span>}
      </p>
      {requestId && <p className="small">{words.frame.requestId(requestId)}</p>}
      {retryAfterMs !== undefined && <RetryIn milliseconds={retryAfterMs} key={retryAfterMs} />}
      {retry && (
        <button type="button" className="button" onClick={retry}>
          {words.frame.retry}
        </button>
      )}
    </div>
  );
}

interface FormFaultProps {
  readonly error: unknown;
  /** The fields of the form, which say themselves what is wrong with them. */
  readonly fields: readonly string[];
}

/** Says what went wrong with a form, unless one of its fields says it. */
export function FormFault({ error, fields }: FormFaultProps): ReactNode {
  if (error === undefined || fields.some((field) => field in errorsOf(error))) return null;
  return <FaultNotice error={error} />;
}

function RetryIn({ milliseconds }: { milliseconds: number }): ReactNode {
  const words = useWords();
  const now = useNow();
  const [end] = useState(now + milliseconds);
  const left = Math.ceil((end - now) / 1_000);
  return left > 0 && <p className="figures">{words.retryIn(String(left))}</p>;
}

interface RefusalProps {
  readonly code: ProblemCode;
  /** What to do next. */
  readonly children?: ReactNode;
}

/** Says why something was refused, and what helps. */
export function RefusalNotice({ code, children }: RefusalProps): ReactNode {
  const { refusals } = useWords();
  return (
    <div className="notice warn" role="alert">
      <p>{refusals[code]}</p>
      {children}
    </div>
  );
}
