import { patchPg, sqlWith } from './patch-pg.ts';

/** Preload: whenever alerts have been claimed, ten seconds pass before anything else is done. */
const original = performance.now.bind(performance);
const claims = sqlWith(/^update "alert" set .*"attempts"/);
let passed = 0;
performance.now = () => original() + passed;

patchPg(
  (text) => text,
  (_connection, text) => {
    if (claims(text)) passed += 10_000;
  },
);
