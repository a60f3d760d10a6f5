import { replaceSql } from './patch-pg.ts';

/** Preload: a wallet's balance is written whatever version it has meanwhile. */
replaceSql(['where user_id = $1 and version = $2', 'where user_id = $1 and $2::int >= 0']);
