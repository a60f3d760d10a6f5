import { createContext, type ReactNode, use } from 'react';
import type { SettingsQuery } from '../gql/graphql.ts';

export type Settings = SettingsQuery['settings'];

const SettingsContext = createContext<Settings | undefined>(undefined);

export function useSettings(): Settings {
  const settings = use(SettingsContext);
  if (!settings) throw new Error('there is no SettingsProvider around');
  return settings;
}

/** Gives the pages below it the settings of the deployment. */
export function SettingsProvider({ settings, children }: { settings: Settings; children: ReactNode }): ReactNode {
  return <SettingsContext value={settings}>{children}</SettingsContext>;
}
