// Makes a clone ready to run: dependencies, build, and the programs of the servers it starts. Plain Node, no dependencies,
// because it runs before there are any. Says nothing and takes a moment when there is nothing to do. Also installs, with
//   --examples  what the examples need, which nobody but their test does
//   --pages     the browser that the tests of the pages need
//   --tests     the same where it can: without it these tests are left out
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const OLDEST_NODE = 20;

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

async function main() {
  requireNode();
  // Loaded only now, so that an old Node gets to the line above before it meets syntax it cannot read.
  const { areDependenciesCurrent, arePackagesCurrent, installDependencies, installPackages } = await import(
    './setup/dependencies.mjs'
  );
  const { withSetupLock } = await import('./setup/lock.mjs');
  const { requirePostgres, requireRedis } = await import('./setup/servers.mjs');
  const { build, isBuildCurrent } = await import('./build.mjs');
  if (!areDependenciesCurrent(root) || !isBuildCurrent(root)) {
    await withSetupLock(root, say, async () => {
      // Asked again: another set-up may have done it while this one waited.
      if (!areDependenciesCurrent(root)) installDependencies(root, say);
      if (!isBuildCurrent(root)) await build(root, say);
    });
  }
  const examples = join(root, 'examples');
  if (process.argv.includes('--examples') && !arePackagesCurrent(examples)) {
    await withSetupLock(root, say, () => {
      if (arePackagesCurrent(examples)) return;
      say('installing the packages of the examples (npm ci in examples/)');
      installPackages(root, examples);
    });
  }
  const { requireBrowser } = await import('./setup/browser.mjs');
  if (process.argv.includes('--pages')) requireBrowser(say);
  if (process.argv.includes('--tests')) {
    try {
      requireBrowser(say);
    } catch (error) {
      say(`${error.message} Without chromium they are left out.`);
    }
  }
  if (!process.env.REDIS_URL) requireRedis(say);
  if (!process.env.DATABASE_URL) requirePostgres(root);
}

function requireNode() {
  if (Number.parseInt(process.versions.node, 10) >= OLDEST_NODE) return;
  throw new Error(
    `Onsale needs Node.js ${OLDEST_NODE} or newer to set itself up, and this is ${process.versions.node}.`,
  );
}

function say(line) {
  process.stdout.write(`setup: ${line}\n`);
}

main().catch((error) => {
  process.stderr.write(`setup: ${error.message}\n`);
  process.exitCode = 1;
});
