/** Preload: charges are completed without their locks, and without the version check of the wallet. */
import './without-limit-lock.ts';
import './without-version-check.ts';
import { replaceSql } from './patch-pg.ts';

replaceSql(
  [/( from "pending_charge" .*) for update/, '$1'],
  ['where c.id = u.id and c.status = u.before', 'where c.id = u.id'],
);
