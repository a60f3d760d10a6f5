import { replaceSql } from './patch-pg.ts';

/** Preload: a wallet's balance is written whatever version it has meanwhile, and read without its row lock. */
replaceSql(['where user_id = $1 and version = $2', 'where user_id = $1 and $2::int >= 0']);
replaceSql([/( from wallet where user_id = \$1) for update$/, '$1']);
