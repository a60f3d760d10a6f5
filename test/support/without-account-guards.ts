/**
 * Preload: nobody has the lock of a user, or of the operators, alone, and wallets are written whatever version they have
 * meanwhile. Commits take a while, so that two who want the same meet.
 */
import './slow-commits.ts';
import './without-limit-lock.ts';
import './without-version-check.ts';
