import { type MonacoEditor, useGraphiQL } from '@graphiql/react';
import { GraphiQL } from 'graphiql';
import { type DocumentNode, type ExecutionResult, Kind, parse } from 'graphql';
import { type ReactNode, useEffect } from 'react';
import { headersFrom, isRefusal, valuesFrom, variablesOf } from './answers.ts';
import { fetcherFor, type Listener } from './fetcher.ts';
import { beginAnew, nameTabs, tabsOfSession } from './tabs-of-session.ts';

/** Who hears the answers: the guide, once it is there. */
const ears: { listener: Listener | undefined } = { listener: undefined };
const fetcher = fetcherFor({
  onAnswer: (result) => ears.listener?.onAnswer(result),
  onEnd: (operationName) => ears.listener?.onEnd(operationName),
});

export function Explorer(): ReactNode {
  return (
    <GraphiQL
      fetcher={fetcher}
      storage={tabsOfSession}
      onTabChange={nameTabs}
      plugins={[]}
      shouldPersistHeaders
      showPersistHeadersSettings={false}
      defaultEditorToolsVisibility="variables"
      inputValueDeprecation
      schemaDescription
    >
      <GraphiQL.Logo>
        <strong>Onsale</strong>
      </GraphiQL.Logo>
      <GraphiQL.Footer>
        <Guide />
      </GraphiQL.Footer>
    </GraphiQL>
  );
}

/** Fills variables and headers from the answers, and leads from one operation to the next. */
function Guide(): ReactNode {
  const queryEditor = useGraphiQL((state) => state.queryEditor);
  const variableEditor = useGraphiQL((state) => state.variableEditor);
  const headerEditor = useGraphiQL((state) => state.headerEditor);
  useEffect(() => {
    if (!queryEditor || !variableEditor || !headerEditor) return;
    queryEditor.updateOptions({ wordWrap: 'on' });
    let hasFailed = false;
    ears.listener = {
      onAnswer({ data, errors }: ExecutionResult) {
        hasFailed = errors !== undefined || isRefusal(data);
        const document = documentIn(queryEditor);
        if (!document) return;
        merge(variableEditor, valuesFrom(data, variablesOf(document)));
        merge(headerEditor, headersFrom(data));
      },
      onEnd(operationName) {
        if (!hasFailed) goOn(queryEditor, operationName);
      },
    };
    return () => {
      ears.listener = undefined;
    };
  }, [queryEditor, variableEditor, headerEditor]);
  return (
    <p className="hint">
      Values of an answer go into the variables and headers of the same name; accessToken and queueToken are headers.{' '}
      <button type="button" onClick={beginAnew}>
        Begin anew with the ready tabs
      </button>
    </p>
  );
}

/** The document of an editor; undefined while it is being written. */
function documentIn(editor: MonacoEditor): DocumentNode | undefined {
  try {
    return parse(editor.getValue());
  } catch {
    return undefined;
  }
}

/** Sets values in the JSON of an editor; leaves text that is no JSON object as it is. */
function merge(editor: MonacoEditor, values: Record<string, unknown>): void {
  if (Object.keys(values).length === 0) return;
  try {
    const before = editor.getValue();
    const merged = { ...JSON.parse(before.trim() || '{}'), ...values };
    const after = JSON.stringify(merged, undefined, 2);
    if (after !== before) editor.setValue(after);
  } catch {
    // Somebody is writing there.
  }
}

/** Puts the cursor into the operation after the one of that name, and shows it with its comment. */
function goOn(editor: MonacoEditor, operationName: string | undefined): void {
  const operations = documentIn(editor)?.definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION) ?? [];
  const names = operations.map((node) => (node.kind === Kind.OPERATION_DEFINITION ? node.name?.value : undefined));
  const next = operations[names.indexOf(operationName) + 1];
  const model = editor.getModel();
  if (operationName === undefined || !names.includes(operationName) || !next?.loc || !model) return;
  const position = model.getPositionAt(next.loc.start);
  editor.setPosition(position);
  editor.revealLineNearTop(position.lineNumber);
}
