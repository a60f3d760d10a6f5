import { readyTabs } from './ready-tabs.ts';

/** Where GraphiQL keeps its tabs. */
const TABS_KEY = 'graphiql:tabState';

/** What GraphiQL keeps of a tab. */
interface Tab {
  readonly id: string;
  readonly query: string | null;
  readonly variables: string | null;
  readonly headers: string | null;
  readonly operationName: string | null;
  readonly response: string | null;
  title: string;
}

interface Tabs {
  readonly activeTabIndex: number;
  readonly tabs: readonly Tab[];
}

/** Where GraphiQL keeps the parts of the tab that is shown, once more: they are answered from the tabs. */
const PARTS: Readonly<Record<string, keyof Tab>> = {
  'graphiql:query': 'query',
  'graphiql:variables': 'variables',
  'graphiql:headers': 'headers',
};

/**
 * Names each tab by the comment in the first line of its document, where that has one. GraphiQL names tabs by the operation
 * that ran last, and calls this with every change, before it shows the tabs.
 */
export function nameTabs<State extends { readonly tabs: readonly Pick<Tab, 'query' | 'title'>[] }>(
  state: State,
): State {
  for (const tab of state.tabs) tab.title = /^# (.+)$/m.exec(tab.query?.split('\n')[0] ?? '')?.[1] ?? tab.title;
  return state;
}

/**
 * What GraphiQL remembers, for as long as the tab of the browser is open: it has passwords and tokens in it. It begins with
 * the ready tabs.
 */
export const tabsOfSession = {
  getItem(key: string): string | null {
    if (key === TABS_KEY) return JSON.stringify(keptTabs());
    const part = PARTS[key];
    if (part === undefined) return sessionStorage.getItem(key);
    const { tabs, activeTabIndex } = keptTabs();
    return tabs[activeTabIndex]?.[part] ?? null;
  },
  setItem: (key: string, value: string): void => sessionStorage.setItem(key, value),
  removeItem: (key: string): void => sessionStorage.removeItem(key),
  clear: (): void => sessionStorage.clear(),
  get length(): number {
    return sessionStorage.length;
  },
};

/** Forgets all tabs: the page begins with the ready ones again. */
export function beginAnew(): void {
  sessionStorage.clear();
  location.reload();
}

function keptTabs(): Tabs {
  const kept = sessionStorage.getItem(TABS_KEY);
  if (kept !== null) return nameTabs(JSON.parse(kept) as Tabs);
  const unused = { title: '', headers: null, operationName: null, response: null };
  const tabs = readyTabs().map((tab, index) => ({ ...unused, ...tab, id: `ready-${index}` }));
  sessionStorage.setItem(TABS_KEY, JSON.stringify({ activeTabIndex: 0, tabs }));
  return keptTabs();
}
