import { patchPg } from './patch-pg.ts';

/** Preload: whenever alerts have been claimed, ten seconds pass before anything else is done. */
const original = performance.now.bind(performance);
let passed = 0;
performance.now = () => original() + passed;

patchPg(
  (text) => text,
  (_connection, text) => {
    if (text.includes('update alert a set attempts')) passed += 10_000;
  },
);
