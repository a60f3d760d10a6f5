import { replaceSql } from './patch-pg.ts';

/** Preload: a wallet's balance is written whatever version it has meanwhile. */
replaceSql([/^(update "wallet" .*) and "version" = \d+ returning/, '$1 returning']);
