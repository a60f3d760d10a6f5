import { patchPg } from './patch-pg.ts';
import './without-version-check.ts';

/** Preload: a wallet's balance is written whatever version it has meanwhile, and read without its row lock. */
patchPg((text) => (text.includes(' from "wallet" ') ? text.replace(/ for update$/, '') : text));
