import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { currentWork, outside, type Work, within, withinRun, withoutValues } from '../../src/platform/work.ts';

const work: Work = { names: { requestId: 'one' } };

it('what is started within a request belongs to it, and what is started outside does not', async () => {
  const seen = await within(work, async () => {
    await sleep(1);
    const here = currentWork();
    const there = await outside(async () => {
      await sleep(1);
      return currentWork();
    });
    return [here, there, currentWork()];
  });
  expect(seen).toEqual([work, undefined, work]);
  expect(currentWork()).toBeUndefined();
});

it('what a run of a job leaves behind no longer bears its names', async () => {
  let during: Work['names'];
  let left: Promise<Work['names']> | undefined;
  await withinRun('sweep', async () => {
    during = currentWork()?.names;
    left = sleep(5).then(() => currentWork()?.names);
  });
  expect(during).toEqual({ job: 'sweep', runId: expect.any(String) });
  expect(await left).toBeUndefined();
});

describe('the text of a statement is shown without its values', () => {
  it.each([
    [`select * from "user_account" where "name" = 'it''s Kim' and "id" = $1`, 'user_account', ['it', 'Kim']],
    [
      `insert into "t1" ("a", "b") values ('one', 17, -3.5, E'a\\\\b')`,
      '"t1" ("a", "b") values (?, ?, ?, E?)',
      ['one', '17'],
    ],
    [`update t set x = 'cut ${'off '.repeat(1_000)}'`, 'update t set x = ?', ['cut', 'off']],
    [`select 1\n  from   t2\n`, 'select ? from t2', ['\n', '  ']],
  ])('%s', (text, kept, gone) => {
    const shown = withoutValues(text);
    expect(shown).toContain(kept);
    for (const value of gone) expect(shown).not.toContain(value);
  });

  it('and without its end where it is long', () => {
    expect(withoutValues(`select ${'a_column, '.repeat(1_000)}`).length).toBeLessThanOrEqual(304);
  });
});
