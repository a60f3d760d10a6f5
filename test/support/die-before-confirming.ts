import { patchPg } from './patch-pg.ts';

/** Preload: the process is killed when it is about to write which claims got a coupon, after Redis has decided. */
patchPg((text) => {
  if (text.includes('insert into issued_coupon')) process.kill(process.pid, 'SIGKILL');
  return text;
});
