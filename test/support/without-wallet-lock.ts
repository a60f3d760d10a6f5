import { patchPg } from './patch-pg.ts';

/** Preload: a wallet's balance is written whatever version it has meanwhile, and read without its row lock. */
patchPg((text) => {
  if (text.startsWith('update "wallet"')) return text.replace(/ and "version" = \S+/, '');
  return text.includes('from "wallet"') ? text.replace(/ for update\b/, '') : text;
});
