import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { World } from '../support/world.ts';

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

let world: World;

beforeAll(async () => {
  world = await World.open({ processes: 1, env: { DEMO_DATA: 'on' } });
});

afterAll(() => world?.close());

it('the purchases by hand of the README work as they are written', async () => {
  const { rows } = await world.pool.query('select id from coupon');
  const script = [...blocksUnder('A purchase by hand'), ...blocksUnder('The shop by hand')]
    .join('\n')
    .replace('http://127.0.0.1:4000/graphql', world.urls[0] as string)
    .replace('COUPON=\n', `COUPON=${rows[0].id}\n`);
  const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH}` };
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], { env });
  expect(stdout).not.toMatch(/"errors"|"message"/);
  const { rows: payments } = await world.pool.query('select status, amount::int from payment order by created_at');
  expect(payments).toEqual([
    { status: 'CANCELLED', amount: 120_000 },
    { status: 'COMPLETED', amount: 18_000 },
  ]);
});

/** The commands of a section of the README, in order. */
function blocksUnder(heading: string): string[] {
  const [, section = ''] = README.split(`\n## ${heading}\n`);
  const [text = ''] = section.split('\n## ');
  return [...text.matchAll(/```sh\n(.*?)```/gs)].map(([, commands = '']) => commands);
}
