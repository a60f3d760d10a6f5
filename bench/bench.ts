// Measures what is promised, beside a yardstick in the same run:
//   npm run bench -- guards
//   npm run bench -- audit
// Brings up servers of its own, and needs nothing but a build.
import { benchAudit } from './audit.ts';
import { benchGuards } from './guards.ts';

const BENCHES: Record<string, () => Promise<void>> = {
  audit: benchAudit,
  guards: benchGuards,
};

async function main(): Promise<void> {
  const [name = '', ...tooMany] = process.argv.slice(2);
  const bench = BENCHES[name];
  if (!bench || tooMany.length > 0) throw new Error(`usage: npm run bench -- <${Object.keys(BENCHES).join(' | ')}>`);
  await bench();
}

main().then(
  () => process.exit(0),
  (error: unknown) =>
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`, () => process.exit(1)),
);
