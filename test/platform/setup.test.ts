import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';

const project = fileURLToPath(new URL('../..', import.meta.url));
const ownServers = { DATABASE_URL: 'postgresql://127.0.0.1/x', REDIS_URL: 'redis://127.0.0.1' };
const clones: string[] = [];

afterEach(() => {
  for (const clone of clones.splice(0)) rmSync(clone, { recursive: true, force: true });
});

/** A clone whose dependencies are installed, with two small sources. */
function newClone(): string {
  const clone = mkdtempSync(join(tmpdir(), 'onsale-setup-'));
  clones.push(clone);
  for (const name of ['scripts', 'package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json']) {
    cpSync(join(project, name), join(clone, name), { recursive: true });
  }
  symlinkSync(join(project, 'node_modules'), join(clone, 'node_modules'));
  mkdirSync(join(clone, 'src'));
  writeFileSync(join(clone, 'src/main.ts'), 'export const answer: number = 42;\n');
  writeFileSync(join(clone, 'src/step.lua'), 'return 1\n');
  return clone;
}

async function setUp(
  clone: string,
  env: Record<string, string>,
  ...options: string[]
): Promise<{ code: number; out: string; err: string }> {
  const child = spawn(process.execPath, ['scripts/setup.mjs', ...options], {
    cwd: clone,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), exited]);
  return { code, out, err };
}

it('builds what changed, removes what has no source any more, and says nothing when there is nothing to do', async () => {
  const clone = newClone();
  const built = (path: string) => existsSync(join(clone, 'dist/src', path));
  expect(await setUp(clone, ownServers)).toEqual({ code: 0, out: 'setup: building the server\n', err: '' });
  expect([built('main.js'), built('step.lua'), built('../bundle/main.js')]).toEqual([true, true, true]);

  expect(await setUp(clone, ownServers)).toEqual({ code: 0, out: '', err: '' });

  rmSync(join(clone, 'src/step.lua'));
  rmSync(join(clone, 'dist/src/main.js'));
  writeFileSync(join(clone, 'src/other.ts'), 'export const other = 1;\n');
  expect(await setUp(clone, ownServers)).toEqual({ code: 0, out: 'setup: building the server\n', err: '' });
  expect([built('main.js'), built('other.js'), built('step.lua')]).toEqual([true, true, false]);
});

it('fails with the compiler’s words and tries again the next time', async () => {
  const clone = newClone();
  writeFileSync(join(clone, 'src/main.ts'), "export const answer: number = 'no number';\n");
  for (let attempt = 1; attempt <= 2; attempt += 1) {
    const { code, out, err } = await setUp(clone, ownServers);
    expect({ code, out }).toEqual({ code: 1, out: 'setup: building the server\n' });
    expect(err).toMatch(/^setup: the server cannot be built:\nsrc.main.ts\(1,14\): error TS2322: .*\n$/);
  }
});

it('builds once when two are started together, also after one that was killed', async () => {
  const clone = newClone();
  mkdirSync(join(clone, 'dist'));
  writeFileSync(join(clone, 'dist/.setup.lock'), '1 long-ago');
  const both = await Promise.all([setUp(clone, ownServers), setUp(clone, ownServers)]);
  expect(both.map(({ code }) => code)).toEqual([0, 0]);
  const said = both.map(({ out }) => out).join('');
  expect(said.match(/building/g)).toHaveLength(1);
});

it('says in one line which package to install when there is no redis-server and none can be installed', async () => {
  const { code, err } = await setUp(newClone(), { DATABASE_URL: ownServers.DATABASE_URL, PATH: '/nowhere' });
  expect(code).toBe(1);
  expect(err).toMatch(/^setup: redis-server is missing: install the package redis-server .*REDIS_URL\.\n$/);
});

it('goes on without a browser that cannot be installed, and says which tests are left out; for the tests of the pages it fails', async () => {
  const clone = newClone();
  const env = { ...ownServers, PATH: '/nowhere' };
  const need = 'setup: the tests of the pages need chromium .*apt-get install chromium.*\\)\\.';
  const all = await setUp(clone, env, '--tests');
  expect({ code: all.code, err: all.err }).toEqual({ code: 0, err: '' });
  expect(all.out).toMatch(new RegExp(`^${need} Without chromium they are left out\\.$`, 'm'));
  const pages = await setUp(clone, env, '--pages');
  expect(pages.code).toBe(1);
  expect(pages.err).toMatch(new RegExp(`^${need}\n$`));
});
