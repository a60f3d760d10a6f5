import { createContext, type ReactNode, use, useState } from 'react';
import type { Words } from './en.ts';

export const LANGUAGES = { ko: '한국어', en: 'English' } as const;
export type Language = keyof typeof LANGUAGES;

const KEPT = 'onsale.language';

interface Spoken {
  readonly language: Language;
  readonly words: Words;
  /** Changes the language of the pages, and keeps it on this device. */
  speak(language: Language): void;
}

const SpokenContext = createContext<Spoken | undefined>(undefined);

/** The language that was chosen here, else the first of the browser's that there is, else English. */
export function firstLanguage(): Language {
  const kept = localStorage.getItem(KEPT);
  const wanted = [...(kept ? [kept] : []), ...navigator.languages].map((tag) => tag.slice(0, 2));
  return wanted.find((tag): tag is Language => tag in LANGUAGES) ?? 'en';
}

/** Loads the catalogue of a language. */
export async function loadWords(language: Language): Promise<Words> {
  return language === 'ko' ? (await import('./ko.ts')).ko : (await import('./en.ts')).en;
}

interface Props {
  readonly language: Language;
  readonly words: Words;
  readonly children: ReactNode;
}

/** Gives the pages below it their words, at first those of the props. */
export function LanguageProvider({ language, words, children }: Props): ReactNode {
  const [spoken, setSpoken] = useState({ language, words });
  const speak = async (wanted: Language): Promise<void> => {
    const loaded = await loadWords(wanted);
    localStorage.setItem(KEPT, wanted);
    document.documentElement.lang = wanted;
    setSpoken({ language: wanted, words: loaded });
  };
  return <SpokenContext value={{ ...spoken, speak: (wanted) => void speak(wanted) }}>{children}</SpokenContext>;
}

export function useLanguage(): Spoken {
  const spoken = use(SpokenContext);
  if (!spoken) throw new Error('there is no LanguageProvider around');
  return spoken;
}

/** The texts in the language of the user. */
export function useWords(): Words {
  return useLanguage().words;
}
