import { replaceSql } from './patch-pg.ts';

/** Preload: no event is written, so that relays find none. */
replaceSql([/insert into outbox \(.*request_id text\)/s, 'select $1::json limit 0']);
