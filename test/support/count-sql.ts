import { patchPg } from './patch-pg.ts';

/** Preload: tells the parent of every statement that is sent. */
patchPg((text) => {
  process.send?.({ type: 'sql', value: text });
  return text;
});
