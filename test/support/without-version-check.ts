import { patchPg } from './patch-pg.ts';

/** Preload: a wallet's balance is written whatever version it has meanwhile. */
patchPg((text) => (text.startsWith('update "wallet"') ? text.replace(/ and "version" = \S+/, '') : text));
