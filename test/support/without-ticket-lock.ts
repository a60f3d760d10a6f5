/** Preload: tickets are checked in without locks, and written whether or not they have let somebody in meanwhile. */
import { replaceSql } from './patch-pg.ts';
import './without-row-locks.ts';

replaceSql(['where t.id = u.id and t.checked_in_at is null', 'where t.id = u.id']);
