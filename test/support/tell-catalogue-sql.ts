import { patchPg } from './patch-pg.ts';

/** Preload: tells the parent of every statement that looks for products, with its parameters. */
patchPg((text, values) => {
  if (text.includes('as value from product p')) process.send?.({ type: 'catalogue', value: { text, values } });
  return text;
});
