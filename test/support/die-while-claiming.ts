import { patchPg, sqlWith } from './patch-pg.ts';

/** Preload: the process is killed when it is about to write which claims got a coupon, in a transaction that it has begun. */
const issues = sqlWith(/^insert into "?issued_coupon/);

patchPg((text) => {
  if (issues(text)) process.kill(process.pid, 'SIGKILL');
  return text;
});
