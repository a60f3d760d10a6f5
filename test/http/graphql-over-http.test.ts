import { serverAudits } from 'graphql-http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { read } from '../support/sources.ts';
import { World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await World.open({ processes: 1 });
});
afterAll(() => world.close());

/** The rows of the table of docs/graphql-over-http.md, by cell. */
function listed(): string[][] {
  const rows = read('docs/graphql-over-http.md').matchAll(/^\| `(\w+)` +\| `(.+?)` +\| (\w+) +\|$/gm);
  return [...rows].map(([, ...cells]) => cells as string[]);
}

it('the server passes every audit of graphql-http, or docs/graphql-over-http.md says why not', async () => {
  const audits = serverAudits({ url: world.urls[0] as string });
  const results = await Promise.all(audits.map(({ fn }) => fn()));
  expect(results.map(({ id, name, status }) => [id, name, status])).toEqual(listed());
  expect(results.filter(({ status }) => status === 'error' || status === 'notice')).toEqual([]);
  const warnings = results.filter(({ status }) => status === 'warn').map(({ id }) => id);
  const named = [...read('docs/graphql-over-http.md').matchAll(/^- ((?:`\w+`(?:, | and )?)+): /gm)].flatMap(([, ids]) =>
    [...(ids as string).matchAll(/\w{4}/g)].map(([id]) => id),
  );
  expect(named.sort()).toEqual(warnings.sort());
});
