/**
 * Preload: nobody has the lock of a user, or of the operators, alone; wallets are written whatever version they have
 * meanwhile; and a session has the version that its user has when it is opened, not when the password was checked. Commits
 * take a while, so that two who want the same meet.
 */
import { replaceSql } from './patch-pg.ts';
import './slow-commits.ts';
import './without-limit-lock.ts';
import './without-version-check.ts';

replaceSql([
  /^(insert into "session" \("id", "user_id", "version",.* values \('[\w-]+', '([\w-]+)', )\d+/,
  "$1(select session_version from user_account where id = '$2')",
]);
