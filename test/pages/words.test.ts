import { expect, it } from 'vitest';
import { ERRORS, REFUSALS } from '../../src/api/problems.ts';

type Catalogue = Record<string, unknown>;

/** What is made of the schema is not there before the pages are built, so the type check of the tests leaves the pages out. */
const load = async (path: string): Promise<Record<string, Catalogue>> => import(path);

/** Every text of a catalogue, by its path; of one with parameters, what it makes of some. */
function textsOf(words: Catalogue, path = ''): [path: string, text: string][] {
  return Object.entries(words).flatMap(([key, value]): [string, string][] => {
    const at = path === '' ? key : `${path}.${key}`;
    if (typeof value === 'object') return textsOf(value as Catalogue, at);
    if (typeof value === 'function') return [[at, value('1', '2', '3')]];
    return [[at, value as string]];
  });
}

it('each language has every text of the others, and none is empty', async () => {
  const english = textsOf((await load('../../web/words/en.ts')).en as Catalogue);
  const korean = textsOf((await load('../../web/words/ko.ts')).ko as Catalogue);
  expect(korean.map(([path]) => path).sort()).toEqual(english.map(([path]) => path).sort());
  expect([...english, ...korean].filter(([, text]) => text.trim() === '')).toEqual([]);
});

it('each text in Korean is in Korean, but for names', async () => {
  const korean = textsOf((await load('../../web/words/ko.ts')).ko as Catalogue);
  const foreign = korean.filter(([, text]) => /[a-z]{2}/i.test(text) && !/[가-힣]/.test(text));
  expect(foreign).toEqual([['product', 'Onsale']]);
});

it('each refusal and each error of the server has a sentence', async () => {
  const { en } = await load('../../web/words/en.ts');
  expect(Object.keys(en?.refusals as object).sort()).toEqual(Object.keys(REFUSALS).sort());
  expect(Object.keys(en?.errors as object)).toEqual(expect.arrayContaining(Object.keys(ERRORS)));
});
