import { patchPg } from './patch-pg.ts';

/** Preload: tells the parent of every statement that is sent, with its parameters. */
patchPg((text, values) => {
  process.send?.({ type: 'statement', value: { text, values } });
  return text;
});
