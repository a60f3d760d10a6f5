import { replaceSql } from './patch-pg.ts';

/** Preload: a priority code is anybody's who presents it. */
replaceSql(['and (user_id is null or user_id = $3)', '']);
