import { patchPg, sqlWith } from './patch-pg.ts';

/** Preload: the process is killed when it is about to write which claims got a coupon, after Redis has decided. */
const confirms = sqlWith('insert into issued_coupon');

patchPg((text) => {
  if (confirms(text)) process.kill(process.pid, 'SIGKILL');
  return text;
});
