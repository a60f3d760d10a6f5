/** Preload: rows are neither locked nor checked for their version. */
import './without-row-locks.ts';
import './without-version-check.ts';
