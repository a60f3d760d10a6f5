import { replaceSql } from './patch-pg.ts';
import './without-version-check.ts';

/** Preload: a wallet's balance is written whatever version it has meanwhile, and read without its row lock. */
replaceSql([/^(select .* from "wallet" .*) for update$/, '$1']);
